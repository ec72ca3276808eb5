// --precision bf16 on a CPU: refused in a sentence, or trained, where needed by emulation.
#include <gtest/gtest.h>

#include <string>

#include "kernels/cpu_level.hpp"
#include "tests/apps/run_app.hpp"
#include "tests/environment_scope.hpp"

namespace bptplr {
namespace {

const std::string kTiny =
    "train --dataset shapes --shapes_train 60 --shapes_test 20 --r 0.4 --width 4 --blocks 1,1,1,1 "
    "--low_dim 16 --batch_size 16 --warm_up 1 --num_epochs 2 --p_threshold 0.1 --threads 1 ";

TEST(AppPrecision, Bfloat16NeedsAProcessorThatMultipliesIt) {
  const EnvironmentScope old_processor("BPTPLR_MAX_CPU_ISA", "AVX2");
  const TemporaryFolder folder;
  for (const std::string& command : {kTiny + "--out run", std::string("bench --device cpu")}) {
    const AppResult result = run_app(folder, command + " --precision bf16");
    EXPECT_EQ(result.exit_code, 1);
    EXPECT_TRUE(contains(result.err, "AVX512-BF16")) << result.err;
    EXPECT_TRUE(contains(result.err, "--precision float32")) << result.err;
  }
}

void train_in_bfloat16() {
  const TemporaryFolder folder;
  const AppResult low = run_app(folder, kTiny + "--precision bf16 --out low");
  const AppResult full = run_app(folder, kTiny + "--out full");
  EXPECT_EQ(low.exit_code, 0) << low.err;
  EXPECT_EQ(full.exit_code, 0) << full.err;
  EXPECT_NE(read_text(folder / "low/metrics.jsonl"), read_text(folder / "full/metrics.jsonl"));
  EXPECT_NE(read_text(folder / "low/model1.safetensors"),
            read_text(folder / "full/model1.safetensors"));
  EXPECT_EQ(run_app(folder, "eval low").exit_code, 0);
}

TEST(AppPrecision, Bfloat16TrainsWhereItIsEmulated) {
  const EnvironmentScope emulated("BPTPLR_EMULATE_BF16", "1");
  train_in_bfloat16();
}

TEST(AppPrecision, Bfloat16TrainsOnAProcessorThatMultipliesIt) {
  if (!kernels::cpu_multiplies_bf16()) GTEST_SKIP() << "this processor does not";
  train_in_bfloat16();
}

}  // namespace
}  // namespace bptplr
