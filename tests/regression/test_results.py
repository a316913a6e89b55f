"""The committed reference results: this program finds their evidence good, and names what is not."""

import pathlib
import shutil
import sys
import unittest

import h5py

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import mcbe_system as system
from mcbe_system import BAD_FILE, OK

REFERENCES = sorted((system.SOURCE / "results/reference").glob("*.h5"))


class References(system.SystemTest):
    def test_every_reference_is_good(self):
        self.assertGreaterEqual(len(REFERENCES), 6)
        for path in REFERENCES:
            with self.subTest(path.name):
                # data are named from the project's folder
                result = self.mcbe("verify", path, prefix=("env", "-C", system.SOURCE))
                self.assertEqual((result.code, result.err), (OK, ""))

    def test_a_corrupted_certificate_is_named(self):
        """Of two files: a point moved away, and one that claims a row fewer."""
        for name, unit in (("phase_diagram_guided.h5", 20), ("injectivity_transition.h5", 40)):
            copy = self.dir / name
            shutil.copy(system.SOURCE / "results/reference" / name, copy)
            with h5py.File(copy, "r+") as file:
                active = file["certificates/zero/active"]
                while active[unit, 0] < 1:
                    unit += 1
                active[unit, 0] -= 1
                n, m = int(file["cells/n"][unit]), int(file["cells/m"][unit])
            result = self.mcbe("verify", copy)
            self.assertEqual(result.code, BAD_FILE)
            self.assertIn(f"cell (n={n}, m={m})", result.err)
            self.assertIn("the certificate against bias 'zero' does not hold", result.err)


if __name__ == "__main__":
    unittest.main()
