"""The table of what can be segmented: names, SNOMED CT code and colour, a row a concept.

Codes and their meanings are those of DICOM's own dictionary (PS3.16, as pydicom holds it); a
test compares every row with it. Colours are this project's choice: warm for blood and bowel,
yellow for bone and gland, blue for veins and fluids.
"""

from dataclasses import dataclass
from typing import Literal

Kind = Literal["organ", "pathology", "cell"]


@dataclass(frozen=True, kw_only=True)
class Term:
    """One concept that labels may name."""

    names: tuple[str, ...]
    """What people call it, in any order of words; without sides where it is paired."""
    code: str
    """Code value of SNOMED CT."""
    meaning: str
    """Code meaning, as DICOM writes it."""
    colour: tuple[int, int, int]
    """Red, green and blue, 0 to 255."""
    is_paired: bool = False
    """Whether a side is said beside it; then a side in the name becomes a modifier."""
    kind: Kind = "organ"
    """Anatomy, something abnormal, or a kind of cell."""


def _rows(text: str, *, kind: Kind = "organ", is_paired: bool = False) -> tuple[Term, ...]:
    """Read lines of code, colour, meaning and further names, split by bars."""
    found = []
    for line in text.strip().splitlines():
        code, colour, meaning, *others = (part.strip() for part in line.split("|"))
        red, green, blue = (int(colour[place : place + 2], 16) for place in (0, 2, 4))
        found.append(
            Term(
                names=(meaning, *others),
                code=code,
                meaning=meaning,
                colour=(red, green, blue),
                is_paired=is_paired,
                kind=kind,
            )
        )
    return tuple(found)


SINGLE = _rows(
    """
    69695003 | d8655c | Stomach
    30315005 | e0a060 | Small intestine | small bowel
    14742008 | b06a3c | Large intestine | large bowel
    71854001 | b97a48 | Colon
    38848004 | f0bf6e | Duodenum
    21306003 | e3ab6f | Jejunum
    34516001 | d9975a | Ileum
    32713005 | a9683f | Cecum
    66754008 | 9c5c3a | Appendix
    60184004 | ad7046 | Sigmoid colon | sigmoid
    34402009 | 9a5b4a | Rectum
    53505006 | 8e5046 | Anus
    32849002 | d3a07c | Esophagus
    10200004 | a0522d | Liver
    78961009 | 8c3b6e | Spleen
    15776009 | f2d06b | Pancreas
    28231008 | 5fae4e | Gallbladder | gall bladder
    28273000 | 7fbf5f | Bile duct
    69930009 | cdb95a | Pancreatic duct
    89837001 | e8d99a | Bladder | urinary bladder
    41216001 | c78fc0 | Prostate
    279706003 | b876b2 | Peripheral zone of the prostate | peripheral zone
    399384005 | d9a7d4 | Transition zone of the prostate | transition zone
    13648007 | dcb4d8 | Urethra
    35039007 | d98c9f | Uterus
    80891009 | c8362f | Heart
    87878005 | d84b45 | Left ventricle | heart ventricle left
    53085002 | 5b7fc4 | Right ventricle | heart ventricle right
    82471001 | e0726a | Left atrium | heart atrium left
    73829009 | 7d9bd4 | Right atrium | heart atrium right
    49848007 | b23a3a | Left ventricle myocardium | heart myocardium | myocardium
    76848001 | d9a0a0 | Pericardium
    15825003 | e03131 | Aorta
    54247002 | e44a4a | Ascending aorta
    7832008 | d62828 | Abdominal aorta
    113262008 | dd3a3a | Thoracic aorta
    57850000 | d94848 | Celiac axis | celiac trunk
    64131007 | 3d6fc0 | Inferior vena cava | postcava | ivc
    48345005 | 4a7fd0 | Superior vena cava | svc
    32764006 | 5a86c8 | Portal vein
    8993003 | 6b93d0 | Hepatic vein
    81040000 | 4f8bd9 | Pulmonary artery
    45341000 | 5a93dc | Pulmonary trunk
    430757002 | d96b6b | Pulmonary vein
    12691009 | d85555 | Brachiocephalic trunk
    59820001 | d04545 | Blood vessel | vessel
    51114001 | d64040 | Artery
    29092000 | 4878c8 | Vein
    44567001 | 7fc7d9 | Trachea
    89187006 | 8fd0e0 | Airway structure | airway
    4596009 | 8ec0c0 | Larynx
    54066008 | 9acaca | Pharynx
    69748006 | c9a0dc | Thyroid | thyroid gland
    9875009 | d9c28a | Thymus
    72410000 | c0a890 | Mediastinum
    5798000 | b56d5d | Diaphragm
    12738006 | e3b8c4 | Brain
    119238007 | cda2b4 | Brain stem | brainstem
    113305005 | d0a0d0 | Cerebellum
    40146001 | d8b0b0 | Cerebral cortex | cerebral gray matter
    68523003 | f0e6dc | Cerebral white matter
    389080008 | f2eae0 | White matter
    389081007 | c9a9a9 | Gray matter | grey matter
    65216001 | 9ad0ea | Cerebrospinal fluid | csf
    88442005 | ead7c5 | Corpus callosum
    35764002 | 86c5e8 | Brain ventricle
    49841001 | 7cbde4 | Third ventricle
    2748008 | f3e08c | Spinal cord
    61853006 | ecd78a | Vertebral canal | spinal canal
    56329008 | e5b36a | Pituitary | pituitary gland
    244453006 | f0d264 | Optic chiasm
    5665001 | e09070 | Retina
    81016008 | f0c080 | Optic nerve head | optic disc
    21974007 | d07a7a | Tongue
    74262004 | c98d85 | Oral cavity
    49460000 | d49a92 | Soft palate
    91609006 | ead9a8 | Mandible
    89546000 | efe2bd | Skull
    38199008 | f7f2e4 | Tooth | teeth
    56873002 | e8d39f | Sternum
    54735007 | dcc28a | Sacrum
    51282000 | e6d3a3 | Vertebra
    50016007 | 9fc9b8 | Costal cartilage
    309312004 | a9d2c2 | Cartilage
    3138006 | efe3c0 | Bone
    91727004 | b5524a | Muscle | skeletal muscle
    256674009 | f3e29a | Fat
    71966008 | f5e6a8 | Subcutaneous tissue | subcutaneous fat
    39937001 | ecc6a4 | Skin
    87784001 | d4a79a | Soft tissue
    38266002 | d9c8b8 | Entire body | body
    59441001 | 8fbf6a | Lymph node
    87612001 | b01e1e | Blood
    21793004 | d9a8b8 | Connective tissue | stroma | stromal
    """
)
"""Concepts without a side beside them; some have one within."""

PAIRED = _rows(
    """
    64033007 | b5533c | Kidney
    25990002 | d08a5a | Renal pelvis
    56400007 | 5b8ad0 | Renal vein
    2841007 | d95050 | Renal artery
    87953007 | e0c87a | Ureter
    23451007 | e6a23c | Adrenal gland | adrenal | suprarenal gland
    39607008 | 7fb3d5 | Lung
    45653009 | 8fc0de | Upper lobe of lung | lung upper lobe
    72481006 | 9acbe3 | Middle lobe of right lung | middle lobe lung | lung middle lobe
    90572001 | 70a8cf | Lower lobe of lung | lung lower lobe
    31094006 | 85b9da | Lobe of lung
    955009 | 90cfe0 | Bronchus
    76752008 | e3b5a4 | Breast
    15497006 | d98cae | Ovary
    40689003 | c9a27a | Testis | testicle
    64739004 | c998c4 | Seminal vesicle
    5366008 | 6fae8e | Hippocampus
    4958002 | 8ebf73 | Amygdala
    42695009 | a0b26a | Thalamus
    11000004 | 7fb59a | Caudate nucleus | caudate
    89278009 | 5fa39a | Putamen
    14738005 | 4f8f9a | Globus pallidus | pallidum
    66720007 | 7abce6 | Lateral ventricle
    372073000 | dfb4b4 | Cerebral hemisphere
    81745001 | d0e0e8 | Eye
    79652003 | c4d8e4 | Eyeball
    78076003 | b4dcec | Lens
    18234004 | f2d060 | Optic nerve
    13561001 | d8bf8a | Lacrimal gland
    45289007 | e0b878 | Parotid gland | parotid
    54019009 | dcae6c | Submandibular gland | submandibular
    53620006 | dcd0a0 | Temporomandibular joint
    36582005 | efd97a | Brachial plexus
    32062004 | dd4f4f | Common carotid artery
    69105007 | e05656 | Carotid artery
    36765005 | d95e5e | Subclavian artery
    9454009 | 5f8fd4 | Subclavian vein
    8887007 | 5585cc | Brachiocephalic vein
    10293006 | d85a5a | Iliac artery
    244411005 | 5a88cc | Iliac vein
    85050009 | e4d2a0 | Humerus
    62413002 | e0cd9a | Radius
    23416004 | dcc894 | Ulna
    79601000 | e2cf9c | Scapula
    51299004 | e9d8ab | Clavicle
    113197003 | ecdcb4 | Rib
    71341001 | e6d4a4 | Femur
    2812003 | ead9ac | Femoral head | head femur
    29836001 | dfcb96 | Hip
    22356005 | dac58f | Ilium
    12611008 | e3d09e | Tibia
    87342007 | e0cc98 | Fibula
    64234005 | ecdcb8 | Patella
    74135004 | 9fcfc0 | Meniscus
    31764008 | b0574f | Trapezius muscle | trapezius
    15665001 | ad544c | Latissimus dorsi muscle | latissimus dorsi
    35259002 | b85d55 | Deltoid muscle | deltoid
    60005003 | b25a52 | Pectoralis major muscle | pectoralis major
    18686000 | b66058 | Pectoralis minor muscle | pectoralis minor
    """,
    is_paired=True,
)
"""Concepts whose side is said by a modifier, never by a code of its own."""

VERTEBRAE = _rows(
    """
    14806007 | e6d3a3 | C1 vertebra
    39976000 | d9c48e | C2 vertebra
    113205007 | e6d3a3 | C3 vertebra
    5329002 | d9c48e | C4 vertebra
    36978003 | e6d3a3 | C5 vertebra
    36054005 | d9c48e | C6 vertebra
    87391001 | e6d3a3 | C7 vertebra
    64864005 | d9c48e | T1 vertebra
    53733008 | e6d3a3 | T2 vertebra
    1626008 | d9c48e | T3 vertebra
    73071006 | e6d3a3 | T4 vertebra
    56401006 | d9c48e | T5 vertebra
    45296009 | e6d3a3 | T6 vertebra
    62487009 | d9c48e | T7 vertebra
    11068009 | e6d3a3 | T8 vertebra
    82687006 | d9c48e | T9 vertebra
    7610001 | e6d3a3 | T10 vertebra
    12989004 | d9c48e | T11 vertebra
    23215003 | e6d3a3 | T12 vertebra
    66794005 | d9c48e | L1 vertebra
    14293000 | e6d3a3 | L2 vertebra
    36470004 | d9c48e | L3 vertebra
    11994002 | e6d3a3 | L4 vertebra
    49668003 | d9c48e | L5 vertebra
    """
)
"""Vertebrae one by one, in two shades."""

ABNORMAL = _rows(
    """
    108369006 | 4fb04f | Neoplasm | tumor | tumour | cancer | neoplastic
    52988006 | 6abf4f | Lesion
    4147007 | 5fb85f | Mass
    27925004 | 7fc46a | Nodule
    367643001 | 8fd3c8 | Cyst
    79654002 | 9ac8e0 | Edema | oedema
    6574001 | 6e6e6e | Necrosis | necrotic
    50960005 | 8b1a1a | Hemorrhage | haemorrhage | bleeding
    35566002 | 7d2020 | Hematoma | haematoma
    396339007 | 6a1b2a | Thrombus
    60046008 | 8ec6e6 | Pleural effusion
    373945007 | 9ad0ea | Pericardial effusion
    41699000 | 92cae8 | Effusion
    409774005 | e0995a | Inflammation | inflammatory
    112674009 | bfae9a | Fibrosis
    """,
    kind="pathology",
)
"""What is abnormal; the organ that the name says beside it becomes the region."""

CELLS = _rows(
    """
    84640000 | 5a4fcf | Nucleus | nuclei | cell nucleus
    4421005 | 7a6fe0 | Cell
    """,
    kind="cell",
)
"""Cells and their parts."""

TERMS: tuple[Term, ...] = (*SINGLE, *PAIRED, *VERTEBRAE, *ABNORMAL, *CELLS)
"""Every concept, found by its names."""
