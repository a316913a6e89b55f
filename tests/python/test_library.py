"""How the package finds libmcbe, mirrors its structures and turns its errors into exceptions."""

import ctypes
import os
import subprocess
import sys
import unittest

import mcbe
from mcbe import _library


class Layout(unittest.TestCase):
    def test_structures_lie_as_the_compiler_lays_them(self):
        lines = subprocess.run([os.environ["MCBE_LAYOUT"]], capture_output=True, text=True, check=True).stdout
        expected = {name: int(value) for name, value in map(str.split, lines.splitlines())}
        mirrored = {}
        for structure in _library.STRUCTURES:
            mirrored[structure.C_NAME] = ctypes.sizeof(structure)
            for name, *_ in structure._fields_:
                mirrored[f"{structure.C_NAME}.{name}"] = getattr(structure, name).offset
        self.assertEqual(mirrored, expected)

    def test_every_function_is_there(self):
        for name in _library.FUNCTIONS:
            self.assertTrue(hasattr(_library.lib, name), name)


def start(code, **environment):
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True,
                          env={**os.environ, **environment})


class Finding(unittest.TestCase):
    def test_the_variable_wins_and_a_wrong_one_is_named(self):
        result = start("import mcbe", MCBE_LIBRARY="/nowhere/libmcbe.so")
        self.assertEqual(result.returncode, 1)
        last = result.stderr.strip().splitlines()[-1]
        self.assertIn("LibraryNotFound: no libmcbe: /nowhere/libmcbe.so", last)
        self.assertIn("MCBE_LIBRARY", last)

    def test_a_library_that_is_another_one(self):
        result = start("import mcbe", MCBE_LIBRARY="libm.so.6")
        self.assertIn("LibraryNotFound: 'libm.so.6' is libmcbe unknown; this package needs "
                      + mcbe.__version__, result.stderr)

    def test_beside_the_package_before_the_system(self):
        code = "import os; from mcbe import _library as l; os.environ.pop('MCBE_LIBRARY'); print(l.candidates())"
        result = start(code)
        self.assertEqual(result.stdout.strip(), "['libmcbe.so.0', 'libmcbe.so']", result.stderr)


class Errors(unittest.TestCase):
    def test_the_sentence_is_the_librarys(self):
        with self.assertRaises(mcbe.ArgumentError) as caught:
            mcbe.Frame([[1.0, 2.0], [0.0, 0.0]])
        self.assertEqual(str(caught.exception), "weight matrix: row 1 is zero (norm 0); a zero row never tells "
                         "anything and must be left out")
        self.assertEqual(caught.exception.status, -103)
        self.assertIsInstance(caught.exception, ValueError)

    def test_a_status_without_a_sentence(self):
        with self.assertRaises(mcbe.OutOfMemory) as caught:
            _library.check(_library.NO_MEMORY)
        self.assertEqual(str(caught.exception), "out of memory")
        self.assertIsInstance(caught.exception, MemoryError)


if __name__ == "__main__":
    unittest.main()
