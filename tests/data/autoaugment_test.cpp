#include "data/autoaugment.hpp"

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "engine/memory.hpp"
#include "tests/augment_programs.hpp"
#include "tests/golden.hpp"

namespace bptplr {
namespace {

using kernels::AugmentKind;

TEST(AutoAugment, EverySubPolicyGivesPillowsBytes) {
  const Golden golden("augment");
  const Tensor& image = golden["image/natural"];
  const auto signs = golden["policy/signs"].span<std::int64_t>();
  const std::vector<std::int64_t> indices(signs.size() / 2, 0);
  for (std::size_t k = 0; k < cifar10_policy().size(); ++k) {
    const auto& [first, second] = cifar10_policy()[k];
    std::vector<kernels::AugmentPlan> plans(indices.size());
    for (std::size_t i = 0; i < plans.size(); ++i) {
      const auto op = [&](const PolicyOp& p, std::int64_t sign) {
        return make_op(p.kind, p.level, static_cast<int>(sign), 32, 32);
      };
      plans[i].ops = {op(first, signs[2 * i]), op(second, signs[2 * i + 1])};
    }
    const Tensor& expected = golden["policy/" + std::to_string(k)];
    std::vector<std::uint8_t> out(static_cast<std::size_t>(expected.numel()));
    kernels::augment_batch(cpu_context(), {std::ssize(plans), 32, 32, 32, 32},
                           image.data<std::uint8_t>(), indices.data(),
                           programs_of(plans, 32, 32).data(), out.data());
    const auto span = expected.span<std::uint8_t>();
    EXPECT_TRUE(std::equal(out.begin(), out.end(), span.begin(), span.end())) << "sub-policy " << k;
  }
}

TEST(AutoAugment, EverySubPolicyOfACropGivesPillowsBytes) {
  const Golden golden("augment");
  const Tensor& image = golden["image/wide"];
  const Tensor& expected = golden["view/crop"];
  const auto height = static_cast<int>(expected.size(1));
  const auto width = static_cast<int>(expected.size(2));
  for (std::size_t k = 0; k < cifar10_policy().size(); ++k) {
    const std::int64_t* row = golden["view/plan"].data<std::int64_t>() + 5 * k;
    const auto op = [&](std::size_t i) {
      const PolicyOp& p = cifar10_policy()[k][i];
      return make_op(p.kind, p.level, static_cast<int>(row[3 + i]), height, width);
    };
    const kernels::AugmentPlan plan{
        static_cast<int>(row[0]), static_cast<int>(row[1]), row[2] == 1, {op(0), op(1)}};
    const kernels::AugmentProgram program = kernels::prepare(plan, height, width);
    const kernels::AugmentShape shape{1, static_cast<int>(image.size(0)),
                                      static_cast<int>(image.size(1)), height, width};
    const std::int64_t index = 0;
    std::vector<std::uint8_t> out(static_cast<std::size_t>(expected.numel() / expected.size(0)));
    kernels::augment_batch(cpu_context(), shape, image.data<std::uint8_t>(), &index, &program,
                           out.data());
    EXPECT_TRUE(std::equal(out.begin(), out.end(), expected.data<std::uint8_t>() + k * out.size()))
        << "sub-policy " << k;
  }
}

TEST(AutoAugment, LevelsBecomeArguments) {
  const auto argument = [](AugmentKind kind, int level, int sign) {
    return make_op(kind, level, sign, 20, 40).argument;
  };
  EXPECT_EQ(argument(AugmentKind::kShearX, 9, -1), -0.3);
  EXPECT_EQ(argument(AugmentKind::kTranslateX, 9, 1), 150.0 / 331.0 * 40);
  EXPECT_EQ(argument(AugmentKind::kTranslateY, 9, -1), -150.0 / 331.0 * 20);
  EXPECT_DOUBLE_EQ(argument(AugmentKind::kRotate, 3, -1), 10.0);
  EXPECT_DOUBLE_EQ(argument(AugmentKind::kColor, 9, -1), 0.1);
  EXPECT_DOUBLE_EQ(argument(AugmentKind::kBrightness, 5, 1), 1.5);
  EXPECT_EQ(argument(AugmentKind::kSolarize, 0, 1), 256.0);
  EXPECT_EQ(argument(AugmentKind::kSolarize, 9, 1), 0.0);
  const int bits[] = {8, 8, 7, 7, 6, 6, 5, 5, 4, 4};
  for (int level = 0; level < 10; ++level) {
    EXPECT_EQ(argument(AugmentKind::kPosterize, level, 1), bits[level]);
  }
}

TEST(AutoAugment, OperationsOccurAsOftenAsTheTableSays) {
  // Expected number of each kind a draw: the probabilities of the table over 25 sub-policies.
  std::map<AugmentKind, double> expected;
  for (const SubPolicy& policy : cifar10_policy()) {
    for (const PolicyOp& op : policy) expected[op.kind] += op.probability / 25;
  }
  constexpr int kDraws = 40000;
  std::map<AugmentKind, double> seen;
  int above = 0;
  int signed_ops = 0;
  for (std::uint32_t i = 0; i < kDraws; ++i) {
    Philox random(3, Purpose::kTest, 0, i);
    for (const auto& op : draw_cifar10_policy(random, 32, 32)) {
      seen[op.kind] += 1.0 / kDraws;
      if (op.kind != AugmentKind::kTranslateY) continue;
      ++signed_ops;
      above += op.argument > 0 ? 1 : 0;
    }
  }
  for (const auto& [kind, rate] : expected) {
    EXPECT_NEAR(seen[kind], rate, 0.012) << "kind " << static_cast<int>(kind);
  }
  EXPECT_NEAR(static_cast<double>(above) / signed_ops, 0.5, 0.02);
}

}  // namespace
}  // namespace bptplr
