"""Fake DICOM series, made at run time."""

import numpy as np
import pydicom
import pytest
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid


@pytest.fixture
def write_slice():
    """Write one CT slice; keyword arguments replace elements, None removes one."""

    def write(path, array, position, **changes):
        meta = FileMetaDataset()
        meta.MediaStorageSOPClassUID = CTImageStorage
        meta.MediaStorageSOPInstanceUID = generate_uid()
        meta.TransferSyntaxUID = ExplicitVRLittleEndian
        dataset = FileDataset(str(path), {}, file_meta=meta, preamble=b"\0" * 128)
        elements = {
            "SOPClassUID": CTImageStorage,
            "SOPInstanceUID": meta.MediaStorageSOPInstanceUID,
            "StudyInstanceUID": "1.2.3.1",
            "SeriesInstanceUID": "1.2.3.4",
            "Modality": "CT",
            "PatientName": "Test",
            "Rows": array.shape[0],
            "Columns": array.shape[1],
            "PixelSpacing": [0.8, 0.7],
            "ImageOrientationPatient": [1, 0, 0, 0, 1, 0],
            "ImagePositionPatient": [round(float(number), 6) for number in position],
            "SliceThickness": 3,
            "SamplesPerPixel": 1,
            "PhotometricInterpretation": "MONOCHROME2",
            "BitsAllocated": 16,
            "BitsStored": 16,
            "HighBit": 15,
            "PixelRepresentation": 0,
            "RescaleSlope": 1,
            "RescaleIntercept": -1024,
        }
        for name, value in {**elements, **changes}.items():
            if value is not None:
                setattr(dataset, name, value)
        dataset.PixelData = np.ascontiguousarray(array, dtype=np.uint16).tobytes()
        pydicom.dcmwrite(path, dataset, enforce_file_format=True)
        return path

    return write


@pytest.fixture
def write_series(write_slice):
    """Write an oblique series of five slices whose names are in no order."""

    def write(folder, num_slices=5, **changes):
        folder.mkdir(parents=True, exist_ok=True)
        across, down = np.array([0.8, 0.6, 0.0]), np.array([0.0, 0.0, -1.0])
        normal = np.cross(across, down)
        array = np.arange(num_slices * 12, dtype=np.uint16).reshape(num_slices, 3, 4) + 1000
        for place in range(num_slices):
            position = np.array([-10.0, 20.0, 30.0]) + 2.5 * place * normal
            name = f"{(place * 7) % 11:03d}.dcm"
            orientation = {
                "ImageOrientationPatient": [*across, *down],
                "InstanceNumber": 99 - place,
            }
            write_slice(folder / name, array[place], position, **{**orientation, **changes})
        return array.astype(np.int32) - 1024

    return write
