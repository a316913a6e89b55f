"""The package installs with pip without any network, and its types hold."""

import importlib.util
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

SOURCE = pathlib.Path(os.environ["MCBE_SOURCE"])


class Install(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="mcbe-test-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.source = self.folder / "python"  # pip builds inside the source tree
        shutil.copytree(SOURCE / "python", self.source, ignore=shutil.ignore_patterns("__pycache__", "build", "*.egg-info"))

    def run_python(self, *arguments, **environment):
        return subprocess.run([sys.executable, *map(str, arguments)], capture_output=True, text=True, cwd=self.folder,
                              env={**os.environ, **environment})

    @unittest.skipUnless(importlib.util.find_spec("pip") and importlib.util.find_spec("setuptools"),
                         "pip or setuptools is not installed (Debian: python3-pip python3-setuptools python3-wheel)")
    def test_pip_without_a_network(self):
        result = self.run_python("-m", "pip", "install", "--no-build-isolation", "--no-deps", "--no-index", "--target",
                                 self.folder / "there", self.source)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual(sorted(path.name for path in (self.source / "mcbe").glob("*.py")),
                         sorted(path.name for path in (self.folder / "there/mcbe").glob("*.py")))
        self.assertTrue((self.folder / "there/mcbe/py.typed").exists())
        used = self.run_python("-c", "import mcbe; print(mcbe.__file__, mcbe.__version__)",
                               PYTHONPATH=str(self.folder / "there"))
        version = (SOURCE / "CMakeLists.txt").read_text().partition("project(mcbe VERSION ")[2].partition(" ")[0]
        self.assertEqual(used.stdout.split(), [str(self.folder / "there/mcbe/__init__.py"), version], used.stderr)

    @unittest.skipUnless(shutil.which("mypy"), "mypy is not installed (Debian: mypy)")
    def test_types(self):
        result = subprocess.run(["mypy", "--cache-dir", self.folder / "cache", "mcbe"], capture_output=True, text=True,
                                cwd=self.source)
        self.assertEqual(result.returncode, 0, result.stdout)


if __name__ == "__main__":
    unittest.main()
