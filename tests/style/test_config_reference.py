"""docs/config.md is what the program says of its own keys."""

import os
import pathlib
import subprocess
import unittest

SOURCE = pathlib.Path(os.environ["MCBE_SOURCE"])


class ConfigReference(unittest.TestCase):
    maxDiff = None

    def test_the_page_is_the_programs_own(self):
        result = subprocess.run([os.environ["MCBE"], "help", "--markdown"], capture_output=True, text=True)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual((SOURCE / "docs" / "config.md").read_text(encoding="utf-8"), result.stdout,
                         "renew it: mcbe help --markdown > docs/config.md")


if __name__ == "__main__":
    unittest.main()
