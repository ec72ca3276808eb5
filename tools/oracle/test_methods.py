#!/usr/bin/env python3
"""Properties of the oracles of other methods. Usage: test_methods.py (unittest; pytest finds it, too)"""

import math
import unittest

import numpy as np
import torch
import torch.nn.functional as F

import bpt_plr
import dividemix
import longremix
import mixture
import plain_losses
import plremix
import selection
import unicon
from preact_resnet import PreActResNet, initialise

torch.set_num_threads(1)

CLASSES, SIZE_X, SIZE_U = 5, 3, 4
HYPER = dict(lr=0.02, momentum=0.9, weight_decay=5e-4)


def random_logits(rng, n=200, classes=CLASSES, scale=2.0):
    """Logits and labels; the first 60 % of the labels agree with the logits."""
    labels = rng.integers(0, classes, n)
    logits = rng.standard_normal((n, classes))
    logits[np.arange(n), np.where(np.arange(n) < 0.6 * n, labels, (labels + 1) % classes)] += scale
    return logits, labels


def network(seed):
    net = PreActResNet(width=2, blocks=(1, 1, 1, 1), num_classes=CLASSES, low_dim=6).double()
    return initialise(net, np.random.default_rng(seed))


def batch(rng):
    """Views, labels and w of one iteration."""
    views = {side + number: torch.from_numpy(rng.standard_normal((n, 3, 8, 8)))
             for side, n in (("x", SIZE_X), ("u", SIZE_U)) for number in "1234"}
    y, y_u = (torch.from_numpy(rng.integers(0, CLASSES, n)) for n in (SIZE_X, SIZE_U))
    return views, y, y_u, torch.from_numpy(rng.uniform(0.5, 1, SIZE_X))


class Iteration:
    """Two networks, an optimiser and a batch, the same whenever it is made."""

    def __init__(self, seed=1):
        rng = np.random.default_rng(seed)
        self.k, self.j = network(1), network(2)
        self.optimiser = torch.optim.SGD(self.k.parameters(), **HYPER)
        self.views, self.y, self.y_u, self.w = batch(rng)
        self.perm = torch.from_numpy(rng.permutation(2 * (SIZE_X + SIZE_U)))
        self.z_x, self.z_u = (torch.from_numpy(rng.standard_normal((n, CLASSES))) for n in (SIZE_X, SIZE_U))

    def dividemix(self, l=0.7, lam=10.0, **options):
        return dividemix.training_iteration(self.k, self.j, self.optimiser, self.views, self.y, self.w, l,
                                            self.perm, lam, **options)

    def unicon(self, l=0.7, lam=10.0, **options):
        return unicon.training_iteration(self.k, self.j, self.optimiser, self.views, self.y, self.w, l,
                                         self.perm, lam, **options)

    def plremix(self, l=0.7, lam=10.0, **options):
        return plremix.training_iteration(self.k, self.j, self.optimiser, self.views, self.y, self.y_u,
                                          self.w, self.z_x, self.z_u, 2, l, self.perm, lam, **options)

    def weights(self):
        """All but the projector, which DivideMix has none of: there PyTorch leaves it as it is."""
        return torch.cat([p.detach().flatten() for n, p in self.k.named_parameters() if "projector" not in n])


class SelectionTest(unittest.TestCase):
    def test_smallest_per_class_takes_the_lower_index_of_equal_scores(self):
        chosen = selection.smallest_per_class(
            np.array([.5, .1, .1, .1, .9, .2]), np.array([0, 0, 0, 0, 1, 1]), 3, 2)
        self.assertEqual(chosen.tolist(), [False, True, True, False, True, True])

    def test_batches_by_hand(self):
        # 7 of X in batches of 3 are 3, 3, 1; 4 of U are 3, 1, and again.
        self.assertEqual(selection.batches(7, 4, 3, 3, True), [(0, 3, 3), (1, 3, 1), (2, 1, 3)])
        self.assertEqual(selection.batches(7, 4, 3, 3, False), [(0, 3, 3), (1, 3, 3)])
        self.assertEqual(selection.batches(2, 4, 3, 3, False), [])

    def test_a_mixture_in_one_dimension_is_one_in_two_whose_second_coordinate_is_zero(self):
        rng = np.random.default_rng(3)
        x = np.concatenate([rng.beta(1, 8, 300), rng.beta(5, 3, 200)])[:, None]
        labels = mixture.two_means(x)
        flat = mixture.clean_probability(np.hstack([x, np.zeros_like(x)]), labels)
        np.testing.assert_allclose(mixture.clean_probability(x, labels), flat, rtol=0, atol=1e-12)


class DivideMixTest(unittest.TestCase):
    def test_selection_separates_agreeing_from_disagreeing_labels(self):
        rng = np.random.default_rng(4)
        logits, labels = random_logits(rng, scale=6.0)
        loss = selection.min_max(selection.cross_entropy(logits, labels))
        chosen = dividemix.select(logits, labels, [], mixture.two_means(loss[:, None]))
        agrees = np.arange(len(labels)) < 0.6 * len(labels)
        self.assertGreater(chosen["w"][agrees].min(), 0.5)
        self.assertEqual(chosen["labelled"].tolist(), np.flatnonzero(agrees).tolist())
        self.assertEqual(sorted([*chosen["labelled"], *chosen["unlabelled"]]), list(range(len(labels))))

    def test_mean_over_five_epochs_is_of_normalised_losses(self):
        rng = np.random.default_rng(5)
        logits, labels = random_logits(rng)
        history = [rng.random(len(labels)) for _ in range(6)]
        start = np.arange(len(labels)) % 2
        chosen = dividemix.select(logits, labels, history, start, average_over=5)
        np.testing.assert_allclose(chosen["fitted"], (sum(history[2:]) + chosen["loss"]) / 5, atol=1e-14)
        young = dividemix.select(logits, labels, history[:1], start, average_over=5)
        np.testing.assert_allclose(young["fitted"], (history[0] + young["loss"]) / 2, atol=1e-14)
        self.assertEqual((chosen["loss"].min(), chosen["loss"].max()), (0, 1))

    def test_trained_on_strong_views_its_losses_are_those_of_bpt_plr_without_the_unmixed_half(self):
        one, other = Iteration(), Iteration()
        terms = one.dividemix(trained="34")
        targets = bpt_plr.make_targets(other.k, other.j, other.views, other.y, other.w)
        for name in ("p_u", "t_u", "p_x", "t_x"):
            torch.testing.assert_close(terms[name], targets[name], rtol=0, atol=0)
        a = torch.cat([other.views[v] for v in ("x3", "x4", "u3", "u4")])
        soft = torch.cat([targets["t_x"], targets["t_x"], targets["t_u"], targets["t_u"]])
        mixed, mixed_targets = bpt_plr.mixup(a, soft, other.perm, 0.7)
        z = other.k.classify(mixed)
        expected = (bpt_plr.soft_ce(z[:2 * SIZE_X], mixed_targets[:2 * SIZE_X])
                    + 10 * bpt_plr.l_u(z[2 * SIZE_X:], mixed_targets[2 * SIZE_X:]) + bpt_plr.penalty(z))
        torch.testing.assert_close(terms["loss"], expected.detach())

    def test_strong_views_do_not_matter(self):
        one, other = Iteration(), Iteration()
        for v in ("x3", "x4", "u3", "u4"):
            other.views[v] += 1
        one.dividemix(), other.dividemix()
        torch.testing.assert_close(one.weights(), other.weights(), rtol=0, atol=0)

    def test_only_network_k_changes(self):
        iteration = Iteration()
        before = {n: t.clone() for n, t in iteration.j.state_dict().items()}
        iteration.dividemix()
        for name, tensor in iteration.j.state_dict().items():
            torch.testing.assert_close(tensor, before[name], rtol=0, atol=0)
        self.assertEqual(int(iteration.k.bn1.num_batches_tracked), 5)

    def test_the_last_batch_of_a_pass_is_small(self):
        self.assertEqual(dividemix.batches(130, 64, 64), [(0, 64, 64), (1, 64, 64), (2, 2, 64)])


class UniconTest(unittest.TestCase):
    def test_divergence_by_hand(self):
        p = np.array([[1.0, 0.0], [0.0, 1.0], [0.5, 0.5]])
        d = unicon.jensen_shannon(p, np.array([0, 0, 0]))
        # (1/2, 1/2) to (1, 0): m = (3/4, 1/4).
        half = (0.5 * math.log(0.5 / 0.75) + 0.5 * math.log(0.5 / 0.25) + math.log(1 / 0.75)) / 2
        np.testing.assert_allclose(d, [0, math.log(2), half], atol=1e-8)
        bits = unicon.jensen_shannon(p, np.array([0, 0, 0]), log_base=2)
        np.testing.assert_allclose(bits, d / math.log(2))

    def test_cut_off_by_hand(self):
        self.assertAlmostEqual(unicon.cut_off(np.array([0.1, 0.5])), 0.3)
        self.assertAlmostEqual(unicon.cut_off(np.array([0.6, 1.0])), 0.8 - 0.2 / 5)

    def test_in_natural_logarithms_the_cut_off_is_never_lowered(self):
        rng = np.random.default_rng(6)
        p = selection.softmax(rng.standard_normal((500, 10)) * 20)
        d = unicon.jensen_shannon(p, (p.argmax(axis=1) + 1) % 10)
        self.assertEqual(unicon.cut_off(d, d_mu=0.7), d.mean())
        self.assertLess(d.max(), 0.7)

    def test_every_class_gives_equally_many(self):
        rng = np.random.default_rng(7)
        (z_1, labels), (z_2, _) = random_logits(rng), random_logits(rng)
        z_1[labels == 2] *= 0.1  # a class that is hard to learn
        chosen = unicon.select(z_1, z_2, labels)
        counts = np.bincount(labels[chosen["labelled"]], minlength=CLASSES)
        np.testing.assert_array_equal(counts, np.minimum(np.bincount(labels), chosen["budget"]))
        self.assertEqual(chosen["budget"], chosen["below"] // CLASSES)
        self.assertGreater(chosen["budget"], 0)
        for c in range(CLASSES):
            taken = np.isin(np.flatnonzero(labels == c), chosen["labelled"])
            d = chosen["distance"][labels == c]
            self.assertLessEqual(d[taken].max(), d[~taken].min())

    def test_networks_may_be_swapped(self):
        rng = np.random.default_rng(8)
        (z_1, labels), (z_2, _) = random_logits(rng), random_logits(rng)
        one, other = unicon.select(z_1, z_2, labels), unicon.select(z_2, z_1, labels)
        np.testing.assert_allclose(one["distance"], other["distance"], atol=1e-15)

    def test_near_labels_are_trusted_wholly(self):
        p = np.array([[6.0, 0, 0], [0.5, 0, 0], [-6.0, 0, 0]])
        chosen = unicon.select(p, p, np.array([0, 0, 0]))
        self.assertEqual(chosen["w"][0], 1)
        self.assertEqual(chosen["w"][2], 1 - chosen["distance"][2])
        self.assertLess(chosen["w"][2], 0.5)

    def test_contrast_is_cross_entropy_over_all_other_rows(self):
        f = F.normalize(torch.randn(6, 4, dtype=torch.float64), dim=1)
        similarity = f @ f.t() / 0.05
        similarity.fill_diagonal_(-math.inf)
        positive = torch.tensor([3, 4, 5, 0, 1, 2])
        torch.testing.assert_close(bpt_plr.info_nce(f, 0.05), F.cross_entropy(similarity, positive))

    def test_without_contrast_the_step_is_that_of_dividemix_on_strong_views(self):
        one, other = Iteration(), Iteration()
        one.unicon(lambda_c=0.0), other.dividemix(trained="34")
        torch.testing.assert_close(one.weights(), other.weights())
        self.assertEqual(int(one.k.bn1.num_batches_tracked), 7)

    def test_unlabelled_batches_grow_as_fewer_labels_are_trusted(self):
        self.assertEqual(unicon.batches(320, 680, 64, 320)[0], (0, 64, 100))
        self.assertEqual(unicon.batches(320, 680, 64, 500)[0], (0, 64, 64))


class LongReMixTest(unittest.TestCase):
    HISTORY = np.array([[1, 1, 0], [1, 0, 1], [1, 1, 1]], dtype=bool)

    def test_high_confidence_by_hand(self):
        self.assertEqual(longremix.high_confidence(self.HISTORY, 1).tolist(), [True, True, True])
        self.assertEqual(longremix.high_confidence(self.HISTORY, 2).tolist(), [True, False, True])
        self.assertEqual(longremix.high_confidence(self.HISTORY, 5).tolist(), [True, False, False])

    def test_largest_set_is_the_latest_of_equal_ones(self):
        sets = np.array([[1, 1, 1, 1], [1, 1, 0, 0], [0, 1, 1, 0], [1, 0, 0, 0]], dtype=bool)
        self.assertEqual(longremix.largest_set(sets, last=3).tolist(), sets[2].tolist())
        self.assertEqual(longremix.largest_set(sets, last=4).tolist(), sets[0].tolist())

    def test_stages(self):
        rng = np.random.default_rng(9)
        logits, labels = random_logits(rng, scale=6.0)
        loss = selection.min_max(selection.cross_entropy(logits, labels))
        start = mixture.two_means(loss[:, None])
        earlier = rng.random((4, len(labels))) < 0.9
        plain = dividemix.select(logits, labels, [], start)
        first = longremix.select_first_stage(logits, labels, [], earlier, start)
        self.assertEqual(first["labelled"].tolist(),
                         [i for i in plain["labelled"] if earlier[:, i].all()])
        confident = np.zeros(len(labels), dtype=bool)
        confident[-5:] = True  # whose labels the mixture does not trust
        second = longremix.select_second_stage(logits, labels, [], confident, start)
        self.assertEqual(second["labelled"].tolist(), sorted({*plain["labelled"], *range(195, 200)}))
        np.testing.assert_array_equal(second["w"][-5:], 1)

    def test_second_stage_goes_through_x_again_and_again(self):
        self.assertEqual(longremix.second_stage_batches(5, 7, 3),
                         [(0, 3, 3), (1, 2, 3), (0, 3, 1), (1, 2, 3), (0, 3, 3)])
        self.assertEqual(longremix.first_stage_batches(5, 7, 3), [(0, 3, 3), (1, 2, 3)])


class PlReMixTest(unittest.TestCase):
    def test_selection_is_not_balanced_and_looks_at_both_losses(self):
        rng = np.random.default_rng(10)
        z, labels = random_logits(rng, scale=5.0)
        s = z + rng.standard_normal(z.shape) * 0.1
        loss = selection.min_max(selection.cross_entropy(z, labels))
        proto = selection.min_max(selection.cross_entropy(s, labels))
        chosen = plremix.select(z, s, labels, mixture.two_means(np.stack([loss, proto], axis=1)))
        self.assertEqual(chosen["labelled"].tolist(), np.flatnonzero(chosen["w"] > 0.5).tolist())
        same = plremix.select(z, z, labels, mixture.two_means(np.stack([loss, loss], axis=1)))
        np.testing.assert_allclose(same["loss"], same["loss_proto"])

    def test_threshold_by_hand(self):
        threshold = plremix.SelfAdaptiveThreshold(2, momentum=0.5)
        # Half-way a = 1/2: softmax of the mean logits, here (3/4, 1/4), (1/5, 4/5) and (1/2, 1/2).
        mean = torch.tensor([[math.log(3), 0], [0, math.log(4)], [0, 0]], dtype=torch.float64)
        mask, _ = threshold.pass_mask(2 * mean, 0 * mean, epoch=5, num_epochs=10)
        best = (0.75 + 0.8 + 0.5) / 3
        self.assertAlmostEqual(threshold.confidence, (0.5 + best) / 2)
        share = 0.25 + 0.5 * (0.75 + 0.2 + 0.5) / 3
        torch.testing.assert_close(threshold.share, torch.tensor([share, 1 - share], dtype=torch.float64))
        self.assertEqual(mask.tolist(), [True, True, False])

    def test_threshold_looks_at_the_classifier_first_and_at_prototypes_last(self):
        z = torch.tensor([[9.0, 0.0], [0.0, 0.0]], dtype=torch.float64)
        for epoch, expected in ((0, [True, False]), (10, [False, True])):
            threshold = plremix.SelfAdaptiveThreshold(2, momentum=0.0)
            mask, _ = threshold.pass_mask(z, z.flip(0), epoch, 10)
            self.assertEqual(mask.tolist(), expected)

    def test_prototypes_of_classes_without_sure_samples_stay(self):
        rng = np.random.default_rng(11)
        q, p = (F.normalize(torch.from_numpy(rng.standard_normal((n, 4))), dim=1) for n in (6, 3))
        z = torch.eye(3, dtype=torch.float64).repeat(2, 1)
        mask = torch.tensor([True, False, True, True, False, False])
        after = plremix.update_prototypes(p, q, z, mask)
        torch.testing.assert_close(after[1], p[1])
        expected = F.normalize(0.99 * p[0] + 0.01 * F.normalize(q[0] + q[3], dim=0), dim=0)
        torch.testing.assert_close(after[0], expected)

    def test_without_contrast_the_step_is_that_of_dividemix_on_strong_views(self):
        one, other = Iteration(), Iteration()
        one.plremix(lambda_c=0.0), other.dividemix(trained="34")
        torch.testing.assert_close(one.weights(), other.weights())
        self.assertEqual(int(one.k.bn1.num_batches_tracked), 6)


class BaselineTest(unittest.TestCase):
    Z = torch.tensor([[math.log(3), 0.0], [0.0, 0.0]], dtype=torch.float64)  # p = (3/4, 1/4), (1/2, 1/2)
    Y = torch.tensor([0, 1])

    def test_gce_by_hand_and_at_its_ends(self):
        self.assertAlmostEqual(float(plain_losses.gce(self.Z, self.Y, 1.0)), (0.25 + 0.5) / 2)
        self.assertAlmostEqual(float(plain_losses.gce(self.Z, self.Y, 0.5)), 2 - 0.75 ** 0.5 - 0.5 ** 0.5)
        self.assertAlmostEqual(float(plain_losses.gce(self.Z, self.Y, 1e-7)), float(bpt_plr.ce(self.Z, self.Y)),
                               places=6)

    def test_mixup_is_linear_in_the_labels(self):
        perm = torch.tensor([1, 0])
        expected = 0.7 * bpt_plr.ce(self.Z, self.Y) + 0.3 * bpt_plr.ce(self.Z, self.Y[perm])
        self.assertAlmostEqual(float(plain_losses.mixup_ce(self.Z, self.Y, perm, 0.7)), float(expected))


class GradientTest(unittest.TestCase):
    def test_every_method_moves_the_weights_by_finite_amounts(self):
        for name in ("dividemix", "unicon", "plremix"):
            for bias in (0, 200):  # 200: all images are of one class, surely
                with self.subTest(name, bias=bias):
                    iteration = Iteration()
                    with torch.no_grad():
                        iteration.k.linear.bias[0] += bias
                    before = iteration.weights()
                    terms = getattr(iteration, name)()
                    self.assertTrue(all(torch.isfinite(t).all() for t in terms.values()))
                    self.assertTrue(torch.isfinite(iteration.weights()).all())
                    self.assertGreater((iteration.weights() - before).abs().max().item(), 1e-6)


if __name__ == "__main__":
    unittest.main()
