"""What the commands print, and that `verify` sees damage."""

import json
import pathlib
import shutil
import sys
import unittest

import h5py
import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import mcbe_system as system
from mcbe_system import BAD_FILE, BAD_SYSTEM, BAD_USAGE, OK

CELLS = [(2, 3), (2, 6), (2, 9), (3, 3), (3, 6), (3, 9)]  # of system.BASE
TRIALS = 2


class Command(system.SystemTest):
    def output(self, *args, **options):
        """Standard output of a command that must succeed and say nothing else."""
        result = self.mcbe(*args, **options)
        self.assertEqual((result.code, result.err), (OK, ""))
        return result.out

    def fields(self, text):
        """Lines "name  value" by name."""
        return dict(line.split(None, 1) for line in text.splitlines() if len(line.split(None, 1)) == 2)


class Information(Command):
    def test_help(self):
        for args in (["--help"], ["-h"], ["help"]):
            text = self.output(*args)
            for command in ("run", "plan", "show", "verify", "list", "help", "--version"):
                self.assertIn(f"mcbe {command}", text)

    def test_version(self):
        text = self.output("--version")
        self.assertRegex(text.splitlines()[0], r"^mcbe \d+\.\d+\.\d+$")
        for name in ("commit", "compiler", "flags", "kernels", "BLAS", "stream version"):
            self.assertRegex(text, rf"(?m)^{name} +\S")

    def test_list_names_experiments_and_keys(self):
        text = self.output("list")
        for name in ("phase_diagram", "seed", "grid.n", "sampling.samples", "run.ranks_per_unit"):
            self.assertIn(name, text)

    def test_help_of_a_key(self):
        text = self.output("help", "sampling.samples")
        self.assertIn("whole number", text)
        self.assertNotIn("domain.kind", text)

    def test_help_of_a_wrong_key_offers_the_nearest(self):
        result = self.mcbe("help", "sampling.sampels")
        self.assertEqual(result.code, BAD_USAGE)
        self.assertIn("sampling.samples", result.err)

    def test_full_standard_output_is_an_error(self):
        self.assertEqual(self.mcbe("list", prefix=["sh", "-c", 'exec "$0" "$@" >/dev/full']).code, BAD_SYSTEM)


class Plan(Command):
    def test_plan_tells_the_cost_and_starts_nothing(self):
        config = self.config()
        before = system.listing(self.dir)
        fields = self.fields(self.output("plan", config, "--ranks", 3))
        self.assertEqual(fields["cells"], str(len(CELLS)))
        self.assertEqual(fields["units"].split()[0], str(TRIALS * len(CELLS)))
        products = sum(2 * n * m for n, m in CELLS) * TRIALS * system.BASE["sampling.samples"]
        self.assertEqual(float(fields["flops"].split()[0]), float(f"{products:.3g}"))
        for name in ("memory", "time", "file"):
            self.assertRegex(fields[name], r"\d")
        self.assertIn("3 ranks", fields["time"])
        self.assertEqual(system.listing(self.dir), before)

    def test_set_counts(self):
        fields = self.fields(self.output("plan", self.config(), "--set", "trials=7", "--set", "grid.n=[2,2]"))
        self.assertEqual((fields["cells"], fields["units"].split()[0]), ("3", "21"))

    def test_more_ranks_never_take_longer(self):
        config = self.config({"sampling.samples": 10**7, "trials": 100})
        seconds = []
        for ranks in (1, 2, 8):
            amount, unit = self.fields(self.output("plan", config, "--ranks", ranks))["time"].split()[1:3]
            seconds.append(float(amount) * {"s": 1, "min": 60, "h": 3600, "days": 86400}[unit])
        self.assertEqual(seconds, sorted(seconds, reverse=True))
        self.assertGreater(seconds[0], 4 * seconds[-1])

    def test_how_many_ranks_make_sense(self):
        """Units of microseconds saturate rank 0, which advises shards; a few long ones leave ranks without work."""
        tiny = self.config({"sampling.samples": 30000, "trials": 10000}, "tiny.yaml")
        fields = self.fields(self.output("plan", tiny, "--ranks", 512))
        self.assertRegex(fields["limit"], "rank 0, which hands out units")
        self.assertRegex(fields["time"], r"on 512 ranks, 1 rank a unit, efficiency 0\.0")
        few = int(fields["sensible"].split()[2])
        self.assertLess(few, 20)
        self.assertNotIn("advice", fields)  # fewer ranks will do: it is a matter of seconds
        many = self.config({"sampling.samples": 30000, "trials": 300000})
        self.assertRegex(self.fields(self.output("plan", many, "--ranks", 512))["advice"],
                         r"rank 0 is saturated: \d+ shards of \d+ ranks each .*mcbe merge .* on one core, efficiency 0")
        long = self.config({"sampling.samples": 10**10, "trials": 1, "run.ranks_per_unit": 1}, "long.yaml")
        fields = self.fields(self.output("plan", long, "--ranks", 1000))
        self.assertRegex(fields["limit"], "ranks that wait for the last units")
        self.assertNotIn("advice", fields)
        self.assertLess(int(fields["sensible"].split()[2]), 6)  # there are 6 units

    def test_no_ranks(self):
        self.assertEqual(self.mcbe("plan", self.config(), "--ranks", "0").code, BAD_USAGE)


class Run(Command):
    def test_output_is_named_after_the_configuration_unless_asked_otherwise(self):
        config = self.config(name="diagram.yaml")
        result = self.mcbe("run", config, prefix=["env", "-C", self.dir])
        self.assertEqual(result.code, OK, result.err)
        self.assertTrue((self.dir / "diagram.h5").exists())

    def test_set_overrides_and_is_stored(self):
        out = self.run_ok(self.config(), self.dir / "out.h5", "--set", "seed=9", "--set", "grid.n=[3, 3]")
        self.assert_identical(self.compute({"seed": 9, "grid.n": 3}, "same.h5"), out)
        self.assertEqual(json.loads(self.output("show", out, "--json"))["seed"], 9)

    def test_progress_in_a_file_has_no_control_characters(self):
        for mode in ("auto", "lines"):
            result = self.mcbe("run", self.config(), "-o", self.dir / f"{mode}.h5", "--progress", mode)
            self.assertEqual(result.code, OK)
            self.assertTrue(result.err.replace("\n", "").isprintable(), result.err)
            self.assertIn("complete", result.err)

    def test_what_the_fingerprint_is_made_of(self):
        """Not of spelling, defaults written out, or keys that may change; but of everything that decides results."""
        def fingerprint(changes):
            path = self.compute(changes, "out.h5")
            with h5py.File(path, "r") as file:
                found = file.attrs["config_fingerprint"]
            path.unlink()
            return found

        plain = fingerprint({})
        for changes in ({"domain.kind": "sphere", "domain.radius": 1.0}, {"run.ranks_per_unit": 1}, {"trials": 3},
                        {"grid.m": {"values": [9, 6, 3]}}, {"sampling.precision": "double"}, {"sampling.samples": 601}):
            self.assertEqual(fingerprint(changes), plain, changes)
        for changes in ({"seed": 1}, {"sampling.design": "paired"}, {"grid.m": {"values": [3, 6]}},
                        {"biases": system.BASE["biases"][:2]}):
            self.assertNotEqual(fingerprint(changes), plain, changes)


class Show(Command):
    def setUp(self):
        super().setUp()
        self.out = self.compute(name="out.h5")

    def test_head(self):
        text = self.output("show", self.out)
        for fragment in ("phase_diagram", "complete, 12 of 12 units", str(system.BASE["seed"])):
            self.assertIn(fragment, text)

    def test_json(self):
        shown = json.loads(self.output("show", self.out, "--json"))
        self.assertEqual((shown["experiment"], shown["complete"], shown["units"], shown["units_done"]),
                         ("phase_diagram", True, 12, 12))
        self.assertEqual(shown["config"], (self.dir / "out.h5.yaml").read_text())
        with h5py.File(self.out, "r") as file:
            self.assertEqual(shown["fingerprint"], file.attrs["config_fingerprint"])

    def check_cells(self, rows):
        self.assertEqual([(int(row["n"]), int(row["m"])) for row in rows], CELLS)
        for name in ("hamming/zero", "alpha_min", "updates"):
            stored = system.read(self.out, f"trials/{name}").mean(axis=1)
            np.testing.assert_allclose([float(row[name]) for row in rows], stored, rtol=1e-5)

    def test_cells_as_a_table(self):
        lines = self.output("show", self.out, "--cells").split("\n\n")[-1].splitlines()
        names = lines[0].split("\t")
        self.check_cells([dict(zip(names, line.split("\t"))) for line in lines[1:]])

    def test_cells_as_json(self):
        self.check_cells(json.loads(self.output("show", self.out, "--cells", "--json"))["cells"])

    def test_trials(self):
        lines = self.output("show", self.out, "--trials").split("\n\n")[-1].splitlines()
        names = lines[0].split("\t")
        table = [dict(zip(names, map(float, line.split("\t")))) for line in lines[1:]]
        shown = json.loads(self.output("show", self.out, "--trials", "--json"))["trial_values"]
        for rows in (table, shown):
            self.assertEqual([(row["n"], row["m"], row["trial"]) for row in rows],
                             [(*cell, trial) for cell in CELLS for trial in range(2)])
            for name in ("hamming/zero", "alpha_min", "updates"):
                np.testing.assert_allclose([row[name] for row in rows], system.read(self.out, f"trials/{name}").ravel(),
                                           rtol=1e-5)

    def test_provenance(self):
        text = self.output("show", self.out, "--provenance")
        for name in ("mcbe_version", "git_sha1", "compiler", "hdf5", "blas_core", "cpu_path", "mpi_library", "hosts",
                     "command_line"):
            self.assertRegex(text, rf"(?m)^{name} = \S")
        self.assertRegex(text, r"segment 1 = .*ranks: 1, units: 12, complete")

    def test_files_that_are_not_there_or_not_ours(self):
        notes = self.dir / "notes.txt"
        notes.write_text("my notes\n")
        for command in ("show", "verify"):
            for path, code in ((notes, BAD_FILE), (self.dir / "none.h5", BAD_SYSTEM)):
                result = self.mcbe(command, path)
                self.assertEqual((result.code, result.out), (code, ""))
                self.assertIn(str(path), result.err)


class Verify(Command):
    def setUp(self):
        super().setUp()
        self.out = self.compute(name="out.h5")

    def refuse(self, path, *fragments):
        result = self.mcbe("verify", path)
        self.assertEqual((result.code, result.out), (BAD_FILE, ""), result.err)
        for fragment in fragments:
            self.assertIn(fragment, result.err)

    def changed(self, name, change):
        """A copy of the result in which one dataset was changed by somebody who knows HDF5."""
        path = self.dir / "changed.h5"
        shutil.copy(self.out, path)
        with h5py.File(path, "r+") as file:
            values = file[name][()]
            change(values)
            file[name][...] = values
        return path

    def test_good_file(self):
        self.assertIn("12 of 12 units", self.output("verify", self.out))

    def test_flipped_byte_in_any_dataset(self):
        """Fletcher32 sees it, and the message says where."""
        places = {}
        with h5py.File(self.out, "r") as file:
            for group in (*system.IDENTICAL, "timing"):
                if group in file:
                    file[group].visititems(lambda name, item, group=group: places.update(
                        {f"{group}/{name}": item.id.get_chunk_info(0)} if isinstance(item, h5py.Dataset) else {}))
        self.assertGreater(len(places), 10)
        whole = self.out.read_bytes()
        damaged = self.dir / "damaged.h5"
        for name, chunk in places.items():
            with self.subTest(name):
                at = chunk.byte_offset + chunk.size // 2
                damaged.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1:])
                self.refuse(damaged, name)

    def test_changed_values(self):
        """With right checksums: the evidence is recomputed, so the values are found wrong."""
        def lower(values):
            values.flat[0] -= 1e-9

        def other(values):
            values.flat[-1] += 1

        for name, change, fragment in (
                ("alpha/data", lower, "alpha"), ("alpha/direction", lower, "alpha"), ("alpha/row_norm", lower, "norm"),
                ("trials/hamming/zero", lower, "hamming"), ("trials/alpha_min", lower, "alpha_min"),
                ("trials/mcbe_injective/quarter", other, "injective"), ("witness/sample", other, "witness"),
                ("trials/min_active", other, "min_active"), ("cells/m", other, "cells/m"),
                ("cells/trials_done", other, "trials_done"), ("alpha/offset", other, "offset")):
            with self.subTest(name):
                self.refuse(self.changed(name, change), fragment)

    def test_changed_attributes(self):
        for name, value in (("config_fingerprint", "0" * 64), ("complete", 0)):
            with self.subTest(name):
                path = self.dir / "changed.h5"
                shutil.copy(self.out, path)
                with h5py.File(path, "r+") as file:
                    file.attrs[name] = value
                self.refuse(path)


if __name__ == "__main__":
    unittest.main()
