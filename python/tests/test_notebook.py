"""The notebook of examples/ runs from its first cell to its last."""

import re

import pytest
from conftest import ROOT


def test_a_folder_is_cleaned():
    nbclient = pytest.importorskip("nbclient")
    nbformat = pytest.importorskip("nbformat")
    pytest.importorskip("ipykernel")
    pytest.importorskip("PIL.Image")
    notebook = nbformat.read(ROOT / "python" / "examples" / "clean_a_folder.ipynb", as_version=4)
    nbclient.NotebookClient(notebook, timeout=300, kernel_name="python3").execute()
    said = "".join(
        output.get("text", "") for cell in notebook.cells for output in cell.get("outputs", [])
    )
    before, after = map(int, re.search(r"wrong labels: (\d+) before, (\d+) after", said).groups())
    assert before > 40 and after < before / 2
