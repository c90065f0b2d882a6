#!/bin/sh
# Validates the golden 270s with an outside validator: PyPI `x12sdk`, in a virtual environment of its own.
# The unit tests compare what we write with these files byte for byte, so this needs to run only when they change.
#
#   shared/adapters/tests/validate-270.sh [PYTHON]      (Python 3.10 or later)
set -eu
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"${1:-python3}" -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet x12sdk==2.2.0
"$work/venv/bin/python" - "$here"/x12/270-*.edi <<'PY'
import sys
from x12sdk.io import X12ModelReader

for path in sys.argv[1:]:
    text = open(path, encoding="ascii").read()
    with X12ModelReader(text.replace("\n", "")) as reader:
        models = list(reader.models())
    assert len(models) == 1, f"{path}: {len(models)} transactions"
    # x12sdk does not check SE02, nor the numbers of the envelope.
    segments = [segment.split("*") for segment in text.replace("\n", "").split("~") if segment]
    by_id = {segment[0]: segment for segment in segments}
    inner = segments[2:-2]
    assert int(by_id["SE"][1]) == len(inner) and by_id["SE"][2] == by_id["ST"][2], path
    assert by_id["GE"][2] == by_id["GS"][6] and by_id["IEA"][2] == by_id["ISA"][13], path
    assert all(len(segment[3]) == 10 for segment in segments if segment[0] == "TRN"), path
    print(f"{path}: valid")
PY
