#!/usr/bin/env python3
"""Plants includes in a copy of the sources: those in the wrong direction must fail the check, which
names file, line and rule; those in the right direction must not. usage: test_check_layers.py"""

import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

import check_layers

ROOT = pathlib.Path(__file__).resolve().parents[2]

# The folder that the include is planted in, the include, and a part of the sentence that it earns.
WRONG = [
    (
        "bpt_plr/recipe",
        '"bpt_plr/method/gmm.hpp"',
        "bpt_plr/recipe/ must not include bpt_plr/method/ (of bpt_plr/ it may use nothing)",
    ),
    (
        "bpt_plr/method",
        '"bpt_plr/train/metrics.hpp"',
        "must not include bpt_plr/train/ (of bpt_plr/ it may use bpt_plr/recipe)",
    ),
    (
        "bpt_plr/train",
        '"bpt_plr/run/run_folder.hpp"',
        "bpt_plr/train/ must not include bpt_plr/run/",
    ),
    (
        "bpt_plr/run",
        '"bpt_plr/results/audit/audit.hpp"',
        "bpt_plr/run/ must not include bpt_plr/results/audit/",
    ),
    (
        "bpt_plr/results/audit",
        '"bpt_plr/results/report/report.hpp"',
        "must not include bpt_plr/results/report/",
    ),
    (
        "bpt_plr/results/report",
        '"bpt_plr/results/compare/plan.hpp"',
        "must not include bpt_plr/results/compare/",
    ),
    (
        "bpt_plr/results/compare",
        '"apps/recipe_flags.hpp"',
        "must not include apps/ (it may use data, engine, kernels, models)",
    ),
    (
        "engine",
        '"kernels/cpu/fast_exp.hpp"',
        "must not include kernels/cpu/ (kernels/cpu/ is private to kernels/",
    ),
    (
        "bpt_plr/method",
        '"kernels/cuda/runtime/launch.hpp"',
        "(kernels/cuda/runtime/ is private to kernels/",
    ),
    (
        "kernels",
        '"kernels/cuda/runtime/launch.hpp"',
        "kernels/ must not include kernels/cuda/runtime/",
    ),
    ("kernels/cpu", '"engine/error.hpp"', "kernels/cpu/ must not include engine/"),
    (
        "engine",
        '"engine/io/json.hpp"',
        "engine/ must not include engine/io/ (of engine/ it may use nothing)",
    ),
    (
        "engine/io",
        '"engine/io/torch/zip.hpp"',
        "engine/io/ must not include engine/io/torch/",
    ),
    ("engine", '"models/network.hpp"', "must not include models/ (it may use kernels)"),
    ("models", '"data/dataset.hpp"', "models/ must not include data/"),
    ("data", '"data/sets/shapes.hpp"', "data/ must not include data/sets/"),
    ("data/noise", '"data/images/image.hpp"', "data/noise/ must not include data/images/"),
    ("apps/terminal", '"apps/recipe_flags.hpp"', "must not include apps/"),
    ("apps", '"tests/golden.hpp"', "must not include tests/ (tests/ is above all layers)"),
    # Ways around the check.
    (
        "bpt_plr/recipe",
        "<bpt_plr/method/gmm.hpp>",
        "bpt_plr/recipe/ must not include bpt_plr/method/",
    ),
    ("engine", '"../models/network.hpp"', "is not named from the repository root"),
    ("engine", '"memory.hpp"', "is not named from the repository root"),
    ("bpt_plr/train", '"bpt_plr/other/part.hpp"', "lies in no layer"),
]

RIGHT = [
    ("bpt_plr/results/compare", '"bpt_plr/results/audit/audit.hpp"'),
    ("bpt_plr/method", '"kernels/parallel.hpp"'),
    ("kernels/cuda/plr", '"kernels/cuda/device/block.cuh"'),
    ("engine", '"engine/profile/range_timer.hpp"'),
    ("data/sets", '"data/images/image.hpp"'),
    ("engine", "<vector>"),
]


class PlantedIncludes(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.root = pathlib.Path(temporary.name)
        for top in {check_layers.top_of(layer) for layer in check_layers.LAYERS}:
            for path in (ROOT / top).rglob("*"):
                if path.suffix in check_layers.CPP:
                    copy = self.root / path.relative_to(ROOT)
                    copy.parent.mkdir(parents=True, exist_ok=True)
                    shutil.copyfile(path, copy)
        self.before = self.violations()

    def violations(self):
        return [sentence for _, sentence in check_layers.violations(self.root)]

    def plant(self, folder, include):
        """Returns what the check says of a source with that include, beyond what it said before."""
        path = self.root / folder / "planted.cpp"
        path.write_text(f"// Planted.\n#include {include}\n", encoding="utf-8")
        found = [sentence for sentence in self.violations() if sentence not in self.before]
        path.unlink()
        return found

    def test_wrong_direction_is_named(self):
        for folder, include, part in WRONG:
            with self.subTest(folder=folder, include=include):
                found = self.plant(folder, include)
                self.assertEqual(len(found), 1, found)
                self.assertTrue(found[0].startswith(f"{folder}/planted.cpp:2: "), found[0])
                self.assertIn(part, found[0])

    def test_right_direction_passes(self):
        for folder, include in RIGHT:
            with self.subTest(folder=folder, include=include):
                self.assertEqual(self.plant(folder, include), [])

    def test_folder_without_layer_is_named(self):
        path = self.root / "bpt_plr/other/part.cpp"
        path.parent.mkdir()
        path.write_text("", encoding="utf-8")
        self.assertIn(
            "bpt_plr/other/part.cpp:1: bpt_plr/other/ is no layer; give it a row in LAYERS",
            self.violations(),
        )

    def test_command_fails(self):
        path = self.root / "engine/tensor.cpp"
        path.write_text('#include "apps/main.hpp"\n', encoding="utf-8")
        command = [sys.executable, str(ROOT / "tests/layers/check_layers.py"), str(self.root)]
        result = subprocess.run(command, capture_output=True, text=True, check=False)
        self.assertEqual(result.returncode, 1)
        self.assertIn("engine/tensor.cpp:1: engine/ must not include apps/", result.stdout)


if __name__ == "__main__":
    unittest.main()
