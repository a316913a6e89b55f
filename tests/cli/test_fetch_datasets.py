"""scripts/fetch_datasets: what it takes and what it throws away, without a network."""

import gzip
import hashlib
import importlib.machinery
import importlib.util
import io
import os
import pathlib
import subprocess
import sys
import tarfile
import tempfile
import unittest
from unittest import mock

SOURCE = pathlib.Path(os.environ["MCBE_SOURCE"])
SCRIPT = SOURCE / "scripts" / "fetch_datasets"


def load():
    loader = importlib.machinery.SourceFileLoader("fetch_datasets", str(SCRIPT))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("fetch_datasets", loader))
    loader.exec_module(module)
    return module


class Fetch(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="mcbe-test-")
        self.addCleanup(folder.cleanup)
        self.dir = pathlib.Path(folder.name)
        self.mirror = self.dir / "mirror"
        self.out = self.dir / "out"
        (self.mirror / "mnist").mkdir(parents=True)
        (self.mirror / "cifar10").mkdir()
        self.script = load()

    def run_main(self, *args):
        """As from the command line, with stand-ins for the real files."""
        printed = io.StringIO()
        with mock.patch.object(sys, "argv", ["fetch_datasets", "-o", str(self.out), "--from", self.mirror.as_uri(), *args]), \
                mock.patch("sys.stdout", printed):
            self.script.main()
        return printed.getvalue()

    def fails(self, *args):
        with self.assertRaises(SystemExit) as stop:
            self.run_main(*args)
        return str(stop.exception.code)

    def put_mnist(self):
        contents = {name: name.encode() * 100 for name in self.script.MNIST_FILES}
        for name, content in contents.items():
            (self.mirror / "mnist" / f"{name}.gz").write_bytes(gzip.compress(content))
            self.script.MNIST_FILES[name] = hashlib.sha256(content).hexdigest()
        return contents

    def put_cifar10(self, names):
        path = self.mirror / "cifar10" / self.script.CIFAR10_ARCHIVE
        with tarfile.open(path, "w:gz") as archive:
            for name in names:
                entry = tarfile.TarInfo(name)
                entry.size = 3
                archive.addfile(entry, io.BytesIO(b"abc"))
        self.script.CIFAR10_SHA256 = hashlib.sha256(path.read_bytes()).hexdigest()

    def test_mnist(self):
        contents = self.put_mnist()
        self.run_main("mnist")
        for name, content in contents.items():
            self.assertEqual(gzip.decompress((self.out / "mnist" / f"{name}.gz").read_bytes()), content)
        self.assertEqual(self.run_main("mnist").count("there already"), 4)

    def test_a_wrong_file_is_thrown_away(self):
        self.put_mnist()
        name = "t10k-images-idx3-ubyte"
        for content in (gzip.compress(b"something else"), b"no gzip at all"):
            (self.mirror / "mnist" / f"{name}.gz").write_bytes(content)
            message = self.fails("mnist")
            self.assertIn(f"mnist/{name}.gz is not the file it should be", message)
            self.assertEqual([path.name for path in (self.out / "mnist").iterdir() if name in path.name], [])

    def test_a_missing_file(self):
        self.assertIn("cannot fetch file://", self.fails("mnist"))

    def test_cifar10(self):
        names = [f"cifar-10-batches-bin/{name}" for name in self.script.CIFAR10_FILES]
        self.put_cifar10([*names, "../outside", "cifar-10-batches-bin/readme.html"])
        self.run_main("cifar10")
        self.assertEqual(sorted(path.name for path in (self.out / "cifar10").iterdir()), sorted(self.script.CIFAR10_FILES))
        self.assertFalse((self.out / "outside").exists())
        self.assertIn("there already", self.run_main("cifar10"))

    def test_a_wrong_or_incomplete_archive(self):
        self.put_cifar10(["x/test_batch.bin"])
        self.assertIn("lacks data_batch_1.bin", self.fails("cifar10"))
        self.script.CIFAR10_SHA256 = "0" * 64
        self.assertIn("is not the file it should be", self.fails("cifar10"))

    def test_command_line(self):
        result = subprocess.run([sys.executable, SCRIPT, "imagenet"], capture_output=True, text=True)
        self.assertEqual(result.returncode, 2)
        self.assertIn("there is no data set 'imagenet'; there are mnist, cifar10", result.stderr)


if __name__ == "__main__":
    unittest.main()
