"""Keys of data sets: every wrong one is one sentence, and nothing is started."""

import gzip
import os
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import mcbe_system as system
from mcbe_system import BAD_FILE, BAD_SYSTEM, BAD_USAGE

IRIS = str(system.SOURCE / "data" / "iris" / "iris.csv")
GOOD = {"grid.n": 4, "grid.m": 8, "domain.kind": "smoothing", "data.path": IRIS, "data.label": "last",
        "smoothing.sigma": 0.3}


class Refusals(system.SystemTest):
    def refuse(self, changes, *fragments, code=BAD_USAGE, lines=1):
        config = self.config({**GOOD, **changes})
        result = self.mcbe("run", config, "-o", self.dir / "out.h5")
        self.assertEqual(result.code, code, result.err)
        message = result.err.strip()
        self.assertEqual(len(message.splitlines()), lines, message)
        for fragment in fragments:
            self.assertIn(fragment, message)
        self.assertFalse((self.dir / "out.h5").exists())


class Keys(Refusals):
    def test_the_good_one_is_good(self):
        self.compute(GOOD)

    def test_no_data(self):
        self.refuse({"data.path": []}, "'data.path'", "is empty")

    def test_data_for_a_domain_without(self):
        self.refuse({"domain.kind": "sphere"}, "'data.path'", "'data.label'", "'smoothing.sigma'",
                    "has a meaning only for domain.kind: smoothing or kde", lines=3)

    def test_keys_of_other_domains(self):
        self.refuse({"domain.radius": 2}, "'domain.radius'", "no meaning for points around data")
        self.refuse({"domain.nonnegative": True}, "'domain.nonnegative'")

    def test_noise(self):
        self.refuse({"smoothing.sigma": 0}, "'smoothing.sigma'", "smoothing.relative must be above 0")
        self.refuse({"smoothing.relative": 1}, "'smoothing.sigma'", "cannot stand beside")
        self.refuse({"smoothing.sigma": -1}, "'-1' is not a finite number from 0")

    def test_designs(self):
        self.refuse({"sampling.design": "paired"}, "'sampling.design'", "paired")
        config = self.config({"sampling.design": "crossed"})
        result = self.mcbe("run", config, "-o", self.dir / "out.h5")
        self.assertEqual(result.code, BAD_USAGE)
        self.assertIn("crossed", result.err)

    def test_dimensions(self):
        self.refuse({"grid.n": {"values": [3, 4]}}, "'grid.n'", "3; the data have 4 features")
        self.refuse({"data.features": [0, 2]}, "'grid.n'", "4; the data have 2 features")

    def test_features(self):
        self.refuse({"data.features": [0, 4]}, "'data.features'", "no feature '4'")
        self.refuse({"data.features": ["petal"]}, "'data.features'", "no feature 'petal'")
        self.refuse({"data.features": [1, 1]}, "'data.features'", "given twice")
        self.refuse({"data.features": {"a": 1}}, "a mapping is not a text or a list")
        self.refuse({"data.features": [[1]]}, "a list is not a text or a list")

    def test_labels(self):
        self.refuse({"data.label": "kind"}, IRIS, "no column 'kind'", code=BAD_FILE)
        self.refuse({"data.label": "''"}, "'setosa' in line 2, field 5", code=BAD_FILE)

    def test_search_has_no_domain_around_data(self):
        self.refuse({"search.enabled": True}, "'search.enabled'")

    def test_a_density_needs_two_points(self):
        (self.dir / "one.csv").write_text("1,2,3,4\n")
        self.refuse({"domain.kind": "kde", "data.path": str(self.dir / "one.csv"), "data.label": "''",
                     "smoothing.sigma": 0}, "'kde.bandwidth'", "2")


class Files(Refusals):
    def refuse_file(self, name, content, *fragments, code=BAD_FILE):
        path = self.dir / name
        path.write_bytes(content)
        self.refuse({"data.path": str(path), "data.label": "''"}, str(path), *fragments, code=code)

    def test_missing(self):
        self.refuse({"data.path": "no/such.csv"}, "no/such.csv", "No such file", code=BAD_SYSTEM)
        self.refuse({"data.path": str(self.dir)}, str(self.dir), code=BAD_SYSTEM)

    def test_damaged(self):
        self.refuse_file("a.csv", b"1,2,3,4\n1,2,3\n", "line 2")
        self.refuse_file("a.idx", bytes([0, 0, 8, 2, 0, 0, 0, 2, 0, 0, 0, 4, 1, 2, 3]), "asks for 8")
        self.refuse_file("a.csv.gz", gzip.compress(b"1,2,3,4\n" * 1000)[:-9], "truncated")
        self.refuse_file("a.bin", bytes(3072), "records of 3073")
        self.refuse_file("a.npy", b"\x93NUMPY\x01\x00\x10\x00{}              ", "no complete .npy header")
        self.refuse_file("a", b"what is this", "no format")
        self.refuse_file("a.csv", b"", "is empty")

    def test_the_file_that_is_wrong_is_named(self):
        import numpy as np
        good, bad = np.ones((3, 4), np.float32), np.ones((3, 4), np.float32)
        bad[1, 2] = np.inf
        paths = []
        for name, values in (("good.npy", good), ("bad.npy", bad)):
            np.save(self.dir / name, values)
            paths.append(str(self.dir / name))
        for order in (paths, paths[::-1]):
            self.refuse({"data.path": order, "data.label": "''"}, paths[1] + "' has the value inf in point 1, feature 2",
                        code=BAD_FILE)
        records = [bytes([label]) + bytes(3072) for label in (1, 2, 13)]
        paths = [str(self.dir / name) for name in ("good.bin", "bad.bin")]
        pathlib.Path(paths[0]).write_bytes(records[0])
        pathlib.Path(paths[1]).write_bytes(records[1] + records[2])
        self.refuse({"data.path": paths, "data.label": "''"}, paths[1] + "' has label 13 in record 1", code=BAD_FILE)

    def test_hdf5(self):
        import h5py
        with h5py.File(self.dir / "a.h5", "w") as file:
            file["points"] = [[1.0, 2, 3, float("nan")]]
            file["text"] = b"abc"
            file["row"] = [1.0, 2]
        path = str(self.dir / "a.h5")
        for dataset, fragment in (("/points", "nan in point 0, feature 3"), ("/text", "does not hold numbers"),
                                  ("/row", "1 dimensions"), ("/none", "lacks the dataset '/none'")):
            self.refuse({"data.path": path + ":" + dataset, "data.label": "''"}, path, fragment, code=BAD_FILE)
        self.refuse({"data.path": path}, "name the dataset in it", code=BAD_FILE)
        for pair in ([path + ":/points", IRIS], [IRIS, path + ":/points"]):
            self.refuse({"data.path": pair}, "stands alone")
        # as with weights, the name of the dataset needs no slash, and that of the file may have a colon
        os.rename(path, path := str(self.dir / "a:b.h5"))
        self.refuse({"data.path": path + ":points", "data.label": "''"}, path, "nan in point 0, feature 3", code=BAD_FILE)


if __name__ == "__main__":
    unittest.main()
