#!/usr/bin/env python3
"""Tests tools/gpu_check.sh and what belongs to it without a GPU: all programs that it calls are
stand-ins. usage: test_gpu_check.py [Checks|Time]"""

import json
import os
import pathlib
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
import unittest

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
PROGRAMS = ("nvidia-smi", "nvcc", "cmake", "ctest", "compute-sanitizer", "python3")
SECTIONS = "build tests steps epochs curves cifar10 python kernels cpu sanitizers".split()


class Case(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = pathlib.Path(folder.name)
        shutil.copytree(ROOT / "tools", self.root / "tools")
        self.fake = self.root / "fake"
        (self.fake / "bin").mkdir(parents=True)
        shutil.copy(HERE / "stand_in.sh", self.fake)
        for program in PROGRAMS:
            (self.fake / "bin" / program).symlink_to(self.fake / "stand_in.sh")
        self.tell()

    def tell(self, fail="", slow=""):
        """How the calls begin that fail or hang from now on; forgets what was called."""
        for name, calls in (("fail", fail), ("slow", slow), ("calls", "")):
            (self.fake / name).write_text(calls + "\n" if calls else "", encoding="utf-8")

    def called(self, start):
        """The calls that begin so."""
        calls = (self.fake / "calls").read_text(encoding="utf-8").splitlines()
        return [call for call in calls if call.startswith(start)]

    def environment(self, **variables):
        environment = {
            key: value for key, value in os.environ.items() if not key.startswith("BPTPLR_")
        }
        environment.update(
            PATH=f"{self.fake / 'bin'}:{os.environ['PATH']}",
            PYTHON="python3",
            FAKE=str(self.fake),
            REAL_PYTHON=sys.executable,
            BPTPLR_CHECK_COMMIT="abc1234",
            **variables,
        )
        return environment

    def run_tool(self, *command, **variables):
        return subprocess.run(
            command, cwd=self.root, env=self.environment(**variables), capture_output=True,
            text=True, check=False,
        )  # fmt: skip

    def check(self, *arguments, code=0, **variables):
        ended = self.run_tool("tools/gpu_check.sh", *arguments, **variables)
        self.assertEqual(ended.returncode, code, ended.stdout + ended.stderr)
        return ended.stdout + ended.stderr

    def merge(self, *files, code=0):
        tool = self.root / "tools" / "gpu_report.py"
        ended = self.run_tool(sys.executable, str(tool), "--merge", *files)
        self.assertEqual(ended.returncode, code, ended.stdout + ended.stderr)
        return ended.stdout + ended.stderr

    def path(self, out, suffix=".json"):
        (path,) = (self.root / out).glob(f"*-Fake-GPU-2-abc1234{suffix}")
        return path

    def report(self, out="out"):
        return json.loads(self.path(out).read_text(encoding="utf-8"))

    def outcomes(self, section, out="out"):
        checks = self.report(out)["sections"][section]["checks"]
        return {name: outcome["ok"] for name, outcome in checks.items()}


class Checks(Case):
    def test_everything_is_run_once_and_reported(self):
        said = self.check("out", "data")
        places = [said.index(f"\n== {section} ") for section in SECTIONS]
        self.assertEqual(places, sorted(places))
        report = self.report()
        self.assertEqual((report["device"], report["driver"]), ("Fake GPU (2)", "1.2.3"))
        self.assertEqual((report["ratio_eager"], report["ratio"]), (8.0, 2.0))
        self.assertEqual(sorted(report["sections"]), sorted(SECTIONS))
        for section in SECTIONS:
            self.assertTrue(report["sections"][section]["done"])
            self.assertEqual(set(self.outcomes(section).values()), {True}, section)
        kernels = report["sections"]["kernels"]["checks"]
        self.assertEqual(kernels["floors"]["lines"], [{"kernel": "copy", "us": 1}])
        epochs = report["sections"]["cifar10"]["checks"]["cifar10"]["lines"]
        self.assertEqual([epoch["epoch"] for epoch in epochs], [1, 2])
        with tarfile.open(self.path("out", ".tar.gz")) as archive:
            packed = archive.getnames()
        for name in ("build/build.log", "steps/step_64.jsonl", "curves/curves.png"):
            self.assertIn(name, packed)
        self.assertIn("cifar10/run_cifar10/metrics.jsonl", packed)
        self.assertFalse([name for name in packed if "checkpoints" in name or "model1" in name])
        self.assertEqual(len(list((self.root / "out").iterdir())), 2)

        self.tell()
        self.check("elsewhere", "data")  # an empty folder, as what was run is known from build/
        self.assertEqual(self.called("python3 tools/bench"), [])
        self.assertEqual(len(self.called("cmake --build")), 1)
        self.assertEqual(self.report("elsewhere")["ratio"], 2.0)
        self.check("--only", "steps", "elsewhere")
        self.assertEqual(len(self.called("python3 tools/bench/step_pytorch.py")), 3)
        self.assertEqual(self.called("bptplr bench"), [])
        with tarfile.open(self.path("elsewhere", "-steps.tar.gz")) as archive:
            self.assertEqual({n.split("/")[0] for n in archive.getnames()}, {"build", "steps"})

    def test_what_fails_is_told_and_the_rest_goes_on(self):
        width_16 = "python3 tools/bench/step_pytorch.py --device cuda --width 16"
        self.tell(fail=f"test_cuda --gtest_filter=*WarpGroups\nbench_kernels\n{width_16}")
        said = self.check("--only", "tests,steps,kernels", "out", code=1)
        self.assertIn("FAILED  warp_groups", said)
        self.assertEqual(self.outcomes("tests"), {"tests_cuda": True})
        self.assertEqual(self.outcomes("kernels"), {"floors": False, "floors_pytorch": True})
        self.assertEqual(self.outcomes("steps")["step_16"], False)
        floors = self.report()["sections"]["kernels"]["checks"]["floors"]
        self.assertNotIn("lines", floors)
        with tarfile.open(self.path("out", "-tests-steps-kernels.tar.gz")) as archive:
            self.assertIn("kernels/floors.log", archive.getnames())

        self.tell(fail="test_cuda \npython3 tools/bench/check_baselines.py")
        self.check("--only", "tests,steps", "out", code=1)
        self.assertEqual(self.outcomes("tests"), {"tests_cuda": False, "tests_cuda_apart": True})
        log = self.report()["sections"]["steps"]["checks"]["baselines"]["log"]
        self.assertEqual(log, ["it was this one"])
        self.assertEqual(self.outcomes("kernels")["floors"], False)  # of the call before

    def test_reports_are_merged(self):
        self.check("--only", "steps", "a")
        shutil.rmtree(self.root / "build")  # another machine
        self.check("--only", "kernels,sanitizers", "b")
        report = self.report("b")  # as if it had had no time for one
        report["sections"]["sanitizers"]["checks"]["racecheck"]["ok"] = None
        self.path("b").write_text(json.dumps(report), encoding="utf-8")
        shutil.rmtree(self.root / "build")
        self.tell(fail="compute-sanitizer --tool racecheck")
        self.check("--only", "sanitizers", "c", code=1)
        files = [str(self.path(out)) for out in "abc"]
        (self.root / "d").mkdir()
        merged = str(self.root / "d" / pathlib.Path(files[0]).name)
        said = self.merge(*files[:2], merged, code=3)
        self.assertIn("not finished  racecheck", said)
        self.merge(merged, files[2], merged, code=1)
        report = self.report("d")
        self.assertEqual(report["ratio"], 2.0)
        self.assertEqual(self.outcomes("kernels", "d"), {"floors": True, "floors_pytorch": True})
        self.assertEqual(self.outcomes("sanitizers", "d"), {"memcheck": True, "racecheck": False})

        other = json.loads(pathlib.Path(files[0]).read_text(encoding="utf-8"))
        (self.root / "other.json").write_text(json.dumps({**other, "commit": "def"}))
        said = self.merge(files[0], "other.json", "never.json", code=2)
        self.assertIn("other.json is of another commit, def, than", said)
        self.assertFalse((self.root / "never.json").exists())

    @unittest.skipUnless(shutil.which("dpkg-deb"), "there is no dpkg-deb")
    def test_the_bundle_is_unpacked_once(self):
        control = self.root / "package" / "DEBIAN" / "control"
        control.parent.mkdir(parents=True)
        control.write_text(
            "Package: some\nVersion: 1\nArchitecture: all\nMaintainer: x <x@y>\nDescription: x\n"
        )
        (self.root / "package/usr/lib/x86_64-linux-gnu").mkdir(parents=True)
        (self.root / ".gpu").mkdir()
        subprocess.run(
            ["dpkg-deb", "--build", "package", ".gpu/some.deb"],
            cwd=self.root, check=True, capture_output=True,
        )  # fmt: skip
        with (self.root / ".gpu" / "some.whl").open("wb") as file:
            shutil.make_archive(str(self.root / "wheel"), "zip", ROOT / "tests" / "layers")
            file.write((self.root / "wheel.zip").read_bytes())
        self.check("--only", "build", "out")
        bundle = self.root / "build" / "cuda" / "bundle"
        log = self.root.glob("build/gpu_check/*/build/build.log")
        self.assertIn(f"CMAKE_PREFIX_PATH={bundle}/usr", next(log).read_text(encoding="utf-8"))
        self.assertTrue((bundle / "python" / "check_layers.py").exists())
        when = (bundle / "unpacked").stat().st_mtime_ns
        self.check("--only", "build", "out")
        self.assertEqual((bundle / "unpacked").stat().st_mtime_ns, when)

    def test_usage(self):
        said = self.check("--help")
        for section in SECTIONS:
            self.assertRegex(said, rf"\n{section}  +\w")
        for arguments, sentence in [
            (("--only",), "--only wants sections"),
            (("--only", "tests,kernel"), "no section 'kernel'"),
            (("--only", "cifar10", "out"), "cifar10 wants OUT and DATA_DIR"),
            (("--all",), "no flag '--all'"),
            (("out", "data", "more"), "more arguments"),
        ]:
            self.assertIn(sentence, self.check(*arguments, code=2))
        self.tell(fail="nvidia-smi")
        self.assertIn("no NVIDIA GPU answers", self.check("out", code=1))


class Time(Case):
    def test_a_build_that_is_out_of_time_is_gone_on_with(self):
        self.tell(slow="cmake --build")
        said = self.check("--only", "tests", "out", code=3, BPTPLR_CHECK_BUDGET="5")
        self.assertIn("build: out of time", said)
        self.assertEqual(self.outcomes("build")["build"], None)
        self.assertEqual(self.called("test_cuda"), [])
        self.assertNotIn("tests", self.report()["sections"])
        self.tell()
        self.check("--only", "tests", "out", BPTPLR_CHECK_BUDGET="60")
        self.assertEqual(self.outcomes("build")["build"], True)
        self.assertEqual(self.outcomes("tests"), {"tests_cuda": True})

    def test_checks_that_were_run_are_not_run_again_after_a_lack_of_time(self):
        flags = """--dataset shapes --shapes_train 600 --shapes_test 400 --r 0.4 --width 8
            --blocks 1,1,1,1 --batch_size 32 --num_epochs 6 --warm_up 3 --lr 0.05 --seed 1"""
        self.tell(
            slow=f"bptplr train --resume {' '.join(flags.split())} --device cuda --precision float32"
        )
        only = ("--only", "curves,kernels", "out")
        self.check(*only, code=3, BPTPLR_CHECK_BUDGET="5")
        self.assertEqual(self.outcomes("curves")["cpu_float32"], True)
        self.assertEqual(self.outcomes("curves")["cuda_float32"], None)
        self.assertFalse(self.report()["sections"]["curves"]["done"])
        self.tell()
        self.check(*only)
        trained = self.called("bptplr train")
        self.assertEqual(len(trained), 2)
        self.assertRegex(trained[0], r"^bptplr train --resume .* --out .*/run_cuda_float32$")
        self.assertEqual(set(self.outcomes("curves").values()), {True})
        self.assertIn("floors", self.outcomes("kernels"))

    def test_what_hangs_has_failed(self):
        self.tell(slow="bench_kernels")
        said = self.check("--only", "kernels", "out", code=1, BPTPLR_CHECK_TIMEOUT="1")
        self.assertIn("stopped at its limit of 1 s", said)
        self.assertEqual(self.outcomes("kernels"), {"floors": False, "floors_pytorch": True})

    def test_a_call_that_is_ended_reports_what_it_has(self):
        self.tell(slow="bench_kernels")
        command = ["tools/gpu_check.sh", "--only", "kernels", "out"]
        with subprocess.Popen(
            command, cwd=self.root, env=self.environment(), stdout=subprocess.DEVNULL
        ) as call:
            while not self.called("bench_kernels"):
                time.sleep(0.1)
            call.terminate()
        self.assertNotEqual(call.returncode, 0)
        self.assertEqual(self.outcomes("build")["build"], True)
        self.assertFalse(self.report()["sections"]["kernels"]["done"])
        self.assertTrue(self.path("out", "-kernels.tar.gz").exists())


if __name__ == "__main__":
    unittest.main()
