"""mcbe.torch: the penalty and its gradient, enforcing, the sign of the bias, monitoring."""

import platform
import resource
import sys
import unittest

import mcbe
import numpy as np

try:
    import torch
except ImportError:
    print("skipped: PyTorch is not installed (Debian: python3-torch; scripts/install-deps --torch)")
    sys.exit(77)

from mcbe import torch as mt

N, M, SIGMA = 3, 8, 0.4
DATA = np.random.default_rng(1).standard_normal((40, N)).astype(np.float32)


def make_layer(seed=0, dtype=torch.float64, m=M, bias=-0.5):
    """alpha = 0.5 in every row: above alpha* in many."""
    torch.manual_seed(seed)
    layer = torch.nn.Linear(N, m).to(dtype)
    with torch.no_grad():
        layer.weight.copy_(torch.randn(m, N, dtype=dtype))
        layer.bias.fill_(bias)
    return layer


def replace(layer, weight, bias):
    """Other tensors for a layer's parameters, so that gradients reach them."""
    for name, value in (("weight", weight), ("bias", bias)):
        if name in layer._parameters:
            delattr(layer, name)
        setattr(layer, name, value)


class Gradients(unittest.TestCase):
    def test_gradcheck_with_estimates_made_anew(self):
        """Finite differences of the whole: W moves, points are drawn and alpha* is found again."""
        for design in ("crossed_small", "crossed", "iid"):
            layer = make_layer()
            penalty = mt.InjectivityPenalty(layer, DATA, SIGMA, samples=300, design=design, seed=3)

            def value(weight, bias):
                replace(layer, weight, bias)
                penalty.estimates = penalty.calls = 0  # the same points
                return penalty()

            weight, bias = layer.weight.detach().clone(), layer.bias.detach().clone()
            bias += 0.01 * torch.randn(M, dtype=torch.float64)
            weight.requires_grad_()
            bias.requires_grad_()
            self.assertTrue(torch.autograd.gradcheck(value, (weight, bias), eps=1e-7, atol=1e-6))
            (by_weight, by_bias) = torch.autograd.grad(value(weight, bias), (weight, bias))
            self.assertGreater(by_weight.abs().max(), 0.1)
            self.assertGreater(by_bias.abs().max(), 0.1)
            self.assertGreaterEqual(0.0, by_bias.max())  # raising b lowers alpha

    def test_gradcheck_of_alpha_star(self):
        weight = make_layer(4).weight.detach().clone().requires_grad_()
        for domain in (mcbe.Domain.smoothing(DATA, SIGMA), mcbe.Domain.sphere(2.0), mcbe.Domain.ball(2.0)):
            found = mcbe.estimate(weight.detach().numpy(), domain, 300, 5)
            self.assertTrue(np.isfinite(found.alpha).all())
            np.testing.assert_allclose(mt.alpha_star(weight, domain, 300, 5).detach(), found.alpha, atol=1e-12)
            self.assertTrue(torch.autograd.gradcheck(lambda w: mt.alpha_star(w, domain, 300, 5), (weight,)))

    def test_rows_never_among_the_largest(self):
        weight = torch.cat([torch.eye(2), -torch.eye(2), 1e-6 * torch.eye(2)]).requires_grad_()
        star = mt.alpha_star(weight, mcbe.Domain.sphere(), 500)
        self.assertTrue(torch.isinf(star[4:]).all())
        star[:4].sum().backward()
        self.assertTrue(torch.isfinite(weight.grad).all() and (weight.grad[4:] == 0).all())

    def test_the_penalty_is_its_formula(self):
        layer = make_layer(dtype=torch.float32)
        penalty = mt.InjectivityPenalty(layer, DATA, SIGMA, samples=500, seed=7)
        value = penalty()
        alpha = -layer.bias.detach().double().numpy()
        excess = np.maximum(0, alpha - penalty.estimate.alpha)
        self.assertGreater((excess > 0).sum(), 3)
        self.assertAlmostEqual(value.item(), np.linalg.norm(excess), places=5)

    def test_alpha_star_as_a_constant(self):
        layer = make_layer()
        mt.InjectivityPenalty(layer, DATA, SIGMA, through_weights=False)().backward()
        self.assertTrue(layer.weight.grad is None or (layer.weight.grad == 0).all())
        self.assertGreater(layer.bias.grad.abs().max(), 0)

    def test_nothing_to_do_has_gradient_zero(self):
        layer = make_layer(bias=100.0)
        value = mt.InjectivityPenalty(layer, DATA, SIGMA)()
        value.backward()
        self.assertEqual(value.item(), 0)
        self.assertTrue((layer.bias.grad == 0).all())

    def test_descent_leads_to_injectivity(self):
        layer = make_layer(dtype=torch.float32)
        penalty = mt.InjectivityPenalty(layer, DATA, SIGMA, samples=500)
        self.assertLess(mcbe.p_injective(layer.weight.detach().numpy(), -layer.bias.detach().numpy(), DATA).share, 0.9)
        optimizer = torch.optim.Adam(layer.parameters(), lr=0.05)
        first = penalty().item()
        for _ in range(100):
            optimizer.zero_grad()
            loss = penalty()
            loss.backward()
            optimizer.step()
        self.assertLess(loss.item(), 0.1 * first)
        self.assertGreater(mcbe.p_injective(layer.weight.detach().numpy(), -layer.bias.detach().numpy(), DATA).share,
                           0.97)


class Counting(unittest.TestCase):
    def test_every_few_calls(self):
        layer = make_layer()
        often, seldom = (mt.InjectivityPenalty(layer, DATA, SIGMA, every=every, seed=2) for every in (1, 3))
        first = often()
        self.assertAlmostEqual(seldom().item(), first.item(), places=12)
        for _ in range(4):
            often(), seldom()
        self.assertEqual((often.estimates, seldom.estimates, seldom.calls), (5, 2, 5))
        self.assertGreater(often.seconds, 0)

    def test_old_points_serve_with_new_weights(self):
        layer = make_layer()
        penalty = mt.InjectivityPenalty(layer, DATA, SIGMA, every=2)
        penalty()
        x = penalty.estimate.witness_points()
        with torch.no_grad():
            layer.weight.mul_(1.1)
        star = (layer.weight.detach().numpy() * x).sum(axis=1)
        expected = np.linalg.norm(np.maximum(0, 0.5 - star))
        self.assertAlmostEqual(penalty().item(), expected, places=9)

    def test_other_data(self):
        penalty = mt.InjectivityPenalty(make_layer(), DATA, SIGMA, every=10)
        penalty()
        penalty.set_data(torch.as_tensor(10 * DATA), 1.0)
        penalty()
        self.assertEqual(penalty.estimates, 2)
        self.assertEqual(penalty.domain.deviations[0], 1.0)

    def test_the_network_owns_the_layer(self):
        net = torch.nn.Sequential(make_layer(), torch.nn.ReLU())
        net.add_module("penalty", mt.InjectivityPenalty(net[0], DATA, SIGMA))
        self.assertEqual(len(list(net.parameters())), 2)
        self.assertIn("samples=1000", repr(net))


class Enforcing(unittest.TestCase):
    def test_alpha_is_alpha_star_and_not_above(self):
        for dtype in (torch.float32, torch.float64):
            layer = make_layer(dtype=dtype)
            found = mt.enforce_(layer, DATA, SIGMA, samples=2000)
            alpha = -layer.bias.detach().double().numpy()
            np.testing.assert_allclose(alpha, found.alpha, rtol=2e-7)
            self.assertTrue((alpha <= found.alpha).all())
            self.assertEqual(mcbe.hamming(found, alpha).share, 1.0)
            self.assertTrue(layer.bias.requires_grad)
            drawn = found.coordinates(np.arange(2000))
            self.assertEqual(mcbe.p_injective(layer.weight.detach().numpy(), alpha, drawn).share, 1.0)

    def test_the_penalty_enforces_too(self):
        layer, other = make_layer(dtype=torch.float32), make_layer(dtype=torch.float32)
        penalty = mt.InjectivityPenalty(layer, DATA, SIGMA, samples=400, seed=3)
        for trial in range(2):
            found = penalty.enforce_()
            mt.enforce_(other, DATA, SIGMA, samples=400, seed=3, trial=trial)
            self.assertTrue(torch.equal(layer.bias, other.bias))
            self.assertEqual(found.trial, trial)

    def test_pytorchs_sign(self):
        """What PyTorch's layer leaves positive is what counts as active at alpha = -b."""
        layer = make_layer(dtype=torch.float32)
        positive = (torch.relu(layer(torch.as_tensor(DATA))) > 0).sum(dim=1)
        found = mcbe.p_injective(layer.weight.detach().numpy(), -layer.bias.detach().numpy(), DATA)
        self.assertEqual(found.injective, (positive >= N).sum().item())
        self.assertEqual(found.min_active, positive.min().item())

    def test_rows_that_any_bias_suits_keep_theirs(self):
        layer = torch.nn.Linear(2, 6)
        with torch.no_grad():
            layer.weight.copy_(torch.cat([torch.eye(2), -torch.eye(2), 1e-6 * torch.eye(2)]))
            layer.bias.fill_(0.25)
        mt.enforce_(layer, mcbe.Domain.sphere(), samples=500)
        self.assertEqual(layer.bias[4:].tolist(), [0.25, 0.25])


class Monitoring(unittest.TestCase):
    def test_measures(self):
        layer = make_layer(dtype=torch.float32)
        monitor = mt.Monitor(layer, DATA, SIGMA, test_data=DATA, samples=1000, seed=1)
        entry = monitor.record(0, accuracy=0.5)
        found = mcbe.estimate(layer.weight.detach().numpy(), mcbe.Domain.smoothing(DATA, SIGMA), 1000, 1)
        self.assertEqual(entry["hamming"], (0.5 <= found.alpha).mean())
        active = (torch.relu(layer(torch.as_tensor(DATA))) > 0).sum(dim=1).numpy()
        self.assertEqual(entry["p_injective"], (active >= N).mean())
        self.assertAlmostEqual(entry["excess"], np.linalg.norm(np.maximum(0, 0.5 - found.alpha)))
        self.assertGreater(entry["reconstruction_error"], 0.01)
        self.assertEqual(entry["stability_low"], 0.0)
        mt.enforce_(layer, DATA, SIGMA, samples=1000, seed=1)
        monitor.record(1, accuracy=0.75)
        curves = monitor.arrays()
        self.assertEqual((curves["hamming"][1], curves["excess"][1]), (1.0, 0.0))
        self.assertEqual((curves["epoch"].tolist(), curves["accuracy"].tolist()), ([0, 1], [0.5, 0.75]))

    def test_other_data(self):
        layer = make_layer(dtype=torch.float32)
        monitor = mt.Monitor(layer, 3 * DATA, SIGMA, test_data=3 * DATA, samples=1000, seed=1)
        before = monitor.measure()
        monitor.set_data(DATA, SIGMA, test_data=DATA)
        self.assertEqual(monitor.measure(), mt.Monitor(layer, DATA, SIGMA, test_data=DATA, samples=1000, seed=1).measure())
        self.assertNotEqual(monitor.measure(), before)

    def test_images_are_vectors(self):
        layer = torch.nn.Linear(4, 9)
        images = torch.randn(10, 1, 2, 2)
        entry = mt.Monitor(layer, images, 0.1, test_data=images, samples=100).measure()
        self.assertGreaterEqual(entry["p_injective"], 0)


class Memory(unittest.TestCase):
    def test_freed_memory_stays(self):
        if platform.libc_ver()[0] != "glibc":
            self.skipTest("not glibc")
        self.assertTrue(mt.keep_memory())
        weight = torch.ones(2**24)  # 64 MB, as every product of it
        pages = 4 * len(weight) // resource.getpagesize()
        faults = []
        for _ in range(20):
            before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
            weight.mul(2).sum()
            faults.append(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
        self.assertLess(sum(faults[10:]), pages, faults)


class Refusals(unittest.TestCase):
    def test_sentences(self):
        layer, domain = make_layer(), mcbe.Domain.sphere()
        for call, sentence in (
                (lambda: mt.InjectivityPenalty(torch.nn.ReLU(), DATA, SIGMA), r"layer: ReLU\(\); a torch.nn.Linear"),
                (lambda: mt.InjectivityPenalty(torch.nn.Linear(3, 9, bias=False), DATA, SIGMA), "with a bias"),
                (lambda: mt.enforce_(torch.nn.Linear(3, 2), DATA, SIGMA), "at least as many outputs"),
                (lambda: mt.InjectivityPenalty(layer, DATA), "sigma: is missing"),
                (lambda: mt.InjectivityPenalty(layer, domain, 0.1), "sigma: has no meaning"),
                (lambda: mt.InjectivityPenalty(layer, DATA, SIGMA, every=0), "every: 0"),
                (lambda: mt.InjectivityPenalty(layer, DATA[:, :2], SIGMA), "the layer's inputs have 3 entries"),
                (lambda: mt.Monitor(layer, domain, test_data=DATA[0]), r"data: shape \(3,\)")):
            with self.subTest(sentence), self.assertRaisesRegex(mcbe.ArgumentError, sentence):
                call()


if __name__ == "__main__":
    unittest.main()
