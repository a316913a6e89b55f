"""Every C and C++ file is laid out as .clang-format says, by the one version of it that the project uses."""

import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

SOURCE = pathlib.Path(os.environ["MCBE_SOURCE"])
VERSION = "14"
SKIPPED = 77
NAMES = (f"clang-format-{VERSION}", "clang-format")


def find_program():
    for name in NAMES:
        path = shutil.which(name)
        if path and f"version {VERSION}." in subprocess.run([path, "--version"], capture_output=True, text=True).stdout:
            return path
    return None


PROGRAM = find_program()


class Format(unittest.TestCase):
    def check(self, files):
        return subprocess.run([PROGRAM, "--dry-run", "-Werror", f"--style=file:{SOURCE}/.clang-format", *files],
                              capture_output=True, text=True)

    def test_every_file(self):
        files = sorted(path for folder in ("bench", "include", "src", "tests")
                       for path in (SOURCE / folder).rglob("*") if path.suffix in (".c", ".cpp", ".h"))
        self.assertTrue(files)
        result = self.check(files)
        self.assertEqual(result.returncode, 0, result.stderr)

    def test_a_file_laid_out_otherwise_is_found(self):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "bad.c"
            path.write_text("int main(void) { return 0; }\n")
            self.assertNotEqual(self.check([path]).returncode, 0)


if __name__ == "__main__":
    if not PROGRAM:
        print(f"skipped: clang-format {VERSION} is not installed (Debian: clang-format-{VERSION})")
        sys.exit(SKIPPED)
    unittest.main()
