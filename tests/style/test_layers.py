"""Includes and calls stay within the layers of docs/architecture.md: cli -> experiments -> runtime -> numerics -> base."""

import os
import pathlib
import re
import tempfile
import unittest

SOURCE = pathlib.Path(os.environ["MCBE_SOURCE"])

ORDER = ("base", "numerics", "runtime", "experiments", "cli")  # each may use itself and what stands before it
PUBLIC = {"status.h": "base", "version.h": "base", "run.h": "runtime"}  # all others: numerics
GENERATED = {"mcbe_build_info.h": "runtime", "mcbe_git_version.h": "runtime"}

# Headers of other projects and the files that may name them; every other <header> must be of C or POSIX.
MPI_FILES = r"src/runtime/comm\.[ch]|src/cli/launch\.c|include/mcbe/run\.h"
HDF5_FILES = r"src/runtime/(h5\w*\.[ch]|store\w*\.c|network_file\.c)"
THIRD_PARTY = {
    "mpi.h": MPI_FILES,
    "hdf5.h": HDF5_FILES,
    "yaml.h": r"src/runtime/config\w*\.[ch]",
    "openssl/": r"src/runtime/digest\.c",
    "jansson.h": r"src/runtime/safetensors\.c",
    "cblas.h": r"src/numerics/\w+\.c",
    "lapacke.h": r"src/numerics/\w+\.c",
    "libqhull_r/": r"src/numerics/hull\.c",
    "coin/": r"src/numerics/lp\.cpp",
    "pcg_random.hpp": r"src/numerics/pcg\.cpp",
    "immintrin.h": r"src/numerics/kernels_pair\.h",
    "boost/": r"src/numerics/beta\.cpp",
    "csv.h": r"src/numerics/csv_text\.c",
    "zlib.h": r"src/numerics/inflow\.c",
}
STANDARD = set("""
    assert.h complex.h ctype.h errno.h fenv.h float.h inttypes.h iso646.h limits.h locale.h math.h setjmp.h signal.h
    stdalign.h stdarg.h stdatomic.h stdbool.h stddef.h stdint.h stdio.h stdlib.h stdnoreturn.h string.h tgmath.h time.h
    dirent.h dlfcn.h fcntl.h fnmatch.h getopt.h glob.h libgen.h netdb.h poll.h pwd.h regex.h spawn.h strings.h
    sched.h        sysexits.h termios.h unistd.h sys/file.h sys/ioctl.h sys/mman.h sys/resource.h sys/select.h sys/stat.h sys/statvfs.h
    sys/time.h sys/types.h sys/utsname.h sys/wait.h gnu/libc-version.h
    cmath cstddef cstdint cstring new type_traits""".split())

# Names that only some files may call.
CALLS = {
    r"\bMPI_[A-Z][a-z]\w*\s*\(": r"src/runtime/comm\.c|src/cli/launch\.c",
    r"\bH5[A-Z]{1,2}[a-z]\w*\s*\(": HDF5_FILES,
    r"\b(?:cblas|LAPACKE)_\w+\s*\(": r"src/numerics/\w+\.c",
}

COMMENTS = re.compile(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"', re.DOTALL)
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"]', re.MULTILINE)


def layer_of(path):
    """Layer of a file, named by its path below the root."""
    folder, second, *_ = path.split("/")
    if folder == "src":
        return second if second in ORDER else None
    return PUBLIC.get(pathlib.Path(path).name, "numerics")


def layer_of_include(name, root):
    """Layer of an include "name", or None for a header that does not exist."""
    if name.startswith("mcbe/"):
        return PUBLIC.get(name[len("mcbe/"):], "numerics")
    if name in GENERATED:
        return GENERATED[name]
    homes = [layer for layer in ORDER if (root / "src" / layer / name).exists()]
    return homes[0] if homes else None


def check_include(path, kind, name, root):
    """What is wrong with one include, or None."""
    layer = layer_of(path)
    if kind == "<":
        for header, allowed in THIRD_PARTY.items():
            if name == header or header.endswith("/") and name.startswith(header):
                return None if re.fullmatch(allowed, path) else f"may not include <{name}>"
        return None if name in STANDARD else f"includes <{name}>, which is neither C nor POSIX nor a known library"
    if path.startswith("include/") and not name.startswith("mcbe/"):
        return f'is public but includes "{name}", which is not'
    target = layer_of_include(name, root)
    if target is None:
        return f'includes "{name}", which no layer has'
    if ORDER.index(target) > ORDER.index(layer):
        return f'is of layer {layer} but includes "{name}" of layer {target}'
    return None


def violations(root):
    """One sentence for each include or call that breaks a rule."""
    found = []
    for file in sorted([*root.glob("src/**/*"), *root.glob("include/**/*")]):
        if file.suffix not in (".c", ".cpp", ".h"):
            continue
        path = file.relative_to(root).as_posix()
        text = file.read_text(encoding="utf-8")
        if layer_of(path) is None:
            found.append(f"{path} is in no layer")
            continue
        for kind, name in INCLUDE.findall(text):
            wrong = check_include(path, kind, name, root)
            if wrong:
                found.append(f"{path} {wrong}")
        code = COMMENTS.sub(" ", text)
        for pattern, allowed in CALLS.items():
            for call in re.findall(pattern, code):
                if not re.fullmatch(allowed, path):
                    found.append(f"{path} may not call {call.rstrip('( ')}")
    return found


class Layers(unittest.TestCase):
    def test_the_sources_keep_the_rules(self):
        self.assertTrue(list(SOURCE.glob("src/*/*.c")))
        found = violations(SOURCE)
        self.assertEqual(found, [], "\n" + "\n".join(found))

    def test_every_source_is_built(self):
        built = set(re.findall(r"\bsrc/[\w/]+\.(?:c|cpp)\b", (SOURCE / "CMakeLists.txt").read_text()))
        there = {path.relative_to(SOURCE).as_posix() for path in SOURCE.glob("src/**/*") if path.suffix in (".c", ".cpp")}
        self.assertEqual(built, there)


class Table(unittest.TestCase):
    """The table of modules in docs/architecture.md names every source file and nothing else."""

    def setUp(self):
        lines = (SOURCE / "docs/architecture.md").read_text(encoding="utf-8").partition("| layer | module |")[2]
        self.modules = {layer: [] for layer in ORDER}
        layer = None
        for line in lines.splitlines()[2:]:
            if not line.startswith("|"):
                break
            cells = [cell.strip() for cell in line.split("|")]
            layer = cells[1] or layer
            self.modules[layer] += cells[2].split(", ")

    def test_every_file_belongs_to_a_module(self):
        for layer, modules in self.modules.items():
            names = {file.stem for file in (SOURCE / "src" / layer).iterdir()}
            self.assertEqual([name for name in sorted(names)
                              if not any(re.fullmatch(rf"{module.removesuffix('_*')}(_\w+)?", name) for module in modules)],
                             [], layer)

    def test_every_module_has_a_file(self):
        for layer, modules in self.modules.items():
            names = {file.stem for file in (SOURCE / "src" / layer).iterdir()}
            self.assertEqual([module for module in modules
                              if module not in names and not any(name.startswith(module.removesuffix("*").rstrip("_") + "_")
                                                                 for name in names)], [], layer)

    def test_no_module_stands_there_twice(self):
        for modules in self.modules.values():
            self.assertEqual(len(modules), len(set(modules)))


class Check(unittest.TestCase):
    """The check itself sees each kind of violation, and nothing in comments and strings."""

    def check(self, path, text, expected):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        root = pathlib.Path(folder.name)
        for other in ("src/base/memory.h", "src/numerics/kernels.h", "src/runtime/comm.h", "src/experiments/layer.h"):
            (root / other).parent.mkdir(parents=True, exist_ok=True)
            (root / other).write_text("")
        file = root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        self.assertEqual(len(violations(root)), expected, violations(root))

    def test_what_is_allowed(self):
        self.check("src/numerics/a.c", '#include <math.h>\n#include "memory.h"\n#include "mcbe/frame.h"\n', 0)
        self.check("src/runtime/a.c", '#include "comm.h"\n#include "kernels.h"\n', 0)
        self.check("src/cli/a.c", '#include "layer.h"\n', 0)
        self.check("src/runtime/comm.c", "#include <mpi.h>\nvoid f(void) { MPI_Barrier(0); }\n", 0)

    def test_upward_includes(self):
        self.check("src/base/a.c", '#include "mcbe/frame.h"\n', 1)
        self.check("src/numerics/a.c", '#include "comm.h"\n', 1)
        self.check("src/runtime/a.c", '  #  include "layer.h"\n', 1)
        self.check("include/mcbe/frame.h", '#include "memory.h"\n', 1)
        self.check("include/mcbe/frame.h", '#include "mcbe/run.h"\n', 1)

    def test_other_libraries(self):
        self.check("src/numerics/a.c", "#include <mpi.h>\n", 1)
        self.check("src/runtime/a.c", "#include <hdf5.h>\n", 1)
        self.check("src/base/a.c", "#include <cblas.h>\n", 1)
        self.check("src/base/a.c", "#include <unknown.h>\n", 1)

    def test_calls(self):
        self.check("src/runtime/a.c", "void f(void) { MPI_Barrier (0); H5Fclose(0); }\n", 2)
        self.check("src/runtime/a.c", '/* MPI_Barrier(0) */ // H5Fclose(0)\nconst char *s = "MPI_Wait(";\n', 0)

    def test_a_folder_outside_the_layers(self):
        self.check("src/other/a.c", "", 1)


if __name__ == "__main__":
    unittest.main()
