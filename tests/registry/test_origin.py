"""Claims about the code by which our models are known."""

import hashlib
from pathlib import Path

from hypertuning.learn import networks
from hypertuning.registry.origin import CODE
from hypertuning.registry.package import CODE as PACKED


def test_the_code_that_is_packed_today_is_known_and_so_is_that_of_earlier_models():
    # After a change of these files: add their new sums to CODE, and keep the old ones.
    first = {
        "served_model.py": "958763c073258007db8478873a78d629cf2df3b8f784332c1257522109a67fb6",
        "artifacts/networks.py": "7070dc627beb51d8247513e9da442e217785593adc7fd21d6ec9f55c175c35df",
    }
    packed = {"served_model.py": PACKED, "artifacts/networks.py": Path(networks.__file__)}
    for file, known in CODE.items():
        assert {first[file], hashlib.sha256(packed[file].read_bytes()).hexdigest()} <= known
