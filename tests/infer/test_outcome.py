from pathlib import Path

from delineate.infer.outcome import Predicted


def test_files_alone_say_nothing_of_archives():
    text = Predicted(folder=Path("out"), written=("a",), failures={"b": "bad"}).text

    assert text == "Predicted 1 of 2 cases into out; 1 could not be predicted."


def test_what_came_and_went_is_told():
    told = Predicted(
        folder=Path("out"), written=("a",), skipped=("b",), received=10, sent=3, sent_before=2,
        failures={"a.sr.dcm": "refused"}, num_unsent=1,
    )  # fmt: skip

    assert told.text == (
        "Predicted 1 of 2 cases into out; 1 were done before. Received 10 instances. "
        "Sent 3 objects, 2 were there before, 1 could not be sent."
    )


def test_what_the_model_is_not_made_for_is_named_and_is_no_failure():
    told = Predicted(folder=Path("out"), written=("a",), aside={"pet": "it is PET."})

    assert told.failures == {}
    assert told.text == (
        "Predicted 1 of 1 cases into out.\n"
        "Left aside, since the model is not made for them: 1\n  pet: it is PET."
    )
