"""The tree speaks of itself alone: no link to hosts outside a short list, no path of somebody's machine."""

import os
import pathlib
import re
import tempfile
import unittest

SOURCE = pathlib.Path(os.environ["MCBE_SOURCE"])

# Where texts of the project may point to: standards, publications, the libraries it stands on.
HOSTS = {
    "arxiv.org", "doi.org", "ossci-datasets.s3.amazonaws.com", "www.cs.toronto.edu", "json.schemastore.org", "keepachangelog.com", "numpy.org", "semver.org", "slurm.schedmd.com",
    "www.hdfgroup.org", "www.netlib.org", "www.open-mpi.org", "www.openblas.net", "www.pcg-random.org", "yaml.org",
}
LINK = re.compile(r"\bhttps?://([\w.-]+)")
PRIVATE = re.compile(r"(?<![\w.$}/-])/(?:home|root|Users|work)/")


def files(root):
    """Text files of the tree, without version control, build trees and results."""
    for folder, folders, names in os.walk(root):
        if "CMakeCache.txt" in names:
            folders.clear()
            continue
        top = folder == str(root)
        folders[:] = sorted(name for name in folders if name not in (".git", "__pycache__")
                            and not (top and name in ("build", "results")))
        for name in sorted(set(names) - {".git"}):  # a file in a linked working tree
            yield pathlib.Path(folder) / name


def findings(root):
    found = []
    for path in files(root):
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        for number, line in enumerate(text.splitlines(), 1):
            for host in LINK.findall(line):
                if host not in HOSTS:
                    found.append(f"{path.relative_to(root)}:{number}: link to {host}")
            if PRIVATE.search(line):
                found.append(f"{path.relative_to(root)}:{number}: path of one machine: {line.strip()[:80]}")
    return found


class Words(unittest.TestCase):
    def test_the_tree_speaks_of_itself_alone(self):
        found = findings(SOURCE)
        self.assertEqual(found, [], "\n" + "\n".join(found))

    def test_the_check_sees(self):
        for text, expected in (("see https" + "://doi.org/10.1", 0), ("see https" + "://example.invalid/x", 1),
                               ("in /ho" + "me/me/data", 1), ("in $HOME/data and build/scratch/x", 0)):
            with self.subTest(text), tempfile.TemporaryDirectory() as folder:
                (pathlib.Path(folder) / "a.md").write_text(text)
                self.assertEqual(len(findings(folder)), expected)


if __name__ == "__main__":
    unittest.main()
