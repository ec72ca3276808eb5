// `bptplr export`: exit codes, sentences and files. What the models compute is tested where
// something runs them, in python/tests/test_onnx.py.
#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "tests/apps/run_app.hpp"

namespace bptplr {
namespace {

namespace fs = std::filesystem;

constexpr const char* kNoOnnx = "this build of bptplr cannot write ONNX; install libonnx-dev";

class AppExport : public ::testing::Test {
 protected:
  /// Trains a run in RUN; skips the test where the build has no ONNX and says so.
  void SetUp() override {
    const AppResult trained = run_app(folder_, "train " + kSmall + "--out run --quiet");
    ASSERT_EQ(trained.exit_code, 0) << trained.err;
    const AppResult tried = run_app(folder_, "export run --out tried.onnx");
    if (!contains(tried.err, kNoOnnx)) return;
    expect_error(folder_, "export run", kNoOnnx);
    EXPECT_FALSE(fs::exists(folder_ / "run/model.onnx"));
    GTEST_SKIP() << "this build has no ONNX";
  }

  /// Returns the bytes of a file; 0 where there is none.
  std::size_t size(const std::string& name) const { return read_text(folder_ / name).size(); }

  TemporaryFolder folder_;
};

TEST_F(AppExport, WritesIntoTheRunUnlessTold) {
  const AppResult both = run_app(folder_, "export run");
  EXPECT_EQ(both.exit_code, 0) << both.err;
  EXPECT_EQ(both.err, "");
  const std::size_t bytes = size("run/model.onnx");
  EXPECT_EQ(both.out, "bytes " + std::to_string(bytes) + " out run/model.onnx\n");
  EXPECT_EQ(run_app(folder_, "export run --format onnx --half").exit_code, 0);
  EXPECT_LT(size("run/model_half.onnx"), bytes * 6 / 10);
  EXPECT_GT(size("run/model_half.onnx"), bytes * 4 / 10);
  EXPECT_EQ(run_app(folder_, "export run/model2.safetensors").exit_code, 0);
  EXPECT_LT(size("run/model2.onnx"), bytes * 6 / 10);
  // The run is still one.
  EXPECT_EQ(run_app(folder_, "eval run").exit_code, 0);
}

TEST_F(AppExport, WritesTheSameBytesTwiceAndReplacesAnOldFile) {
  write_text(folder_ / "old.onnx", "old");
  fs::create_symlink("old.onnx", folder_ / "link.onnx");
  const AppResult result = run_app(folder_, "export run --out link.onnx");
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_TRUE(result.out.ends_with(" out link.onnx\n")) << result.out;
  EXPECT_TRUE(fs::is_symlink(folder_ / "link.onnx"));
  EXPECT_EQ(read_text(folder_ / "old.onnx"), read_text(folder_ / "tried.onnx"));
  EXPECT_FALSE(fs::exists(folder_ / "old.onnx.part"));
}

TEST_F(AppExport, AFileThatCannotBeWrittenIsNamed) {
  expect_error(folder_, "export run --out nowhere/model.onnx", "nowhere");
  expect_error(folder_, "export run --out /dev/null", "/dev/null");
  expect_error(folder_, "export run --out run", "run");
}

TEST_F(AppExport, FilesOfTheRunAreNotReplaced) {
  for (const std::string name : {"config.json", "model1.safetensors", "data.csv"}) {
    const std::string before = read_text(folder_ / "run/" + name);
    expect_error(folder_, "export run --out run/" + name, "is a file of the run; name another");
    expect_error(folder_, "export run/model2.safetensors --out ./run/" + name,
                 "is a file of the run; name another");
    EXPECT_EQ(read_text(folder_ / "run/" + name), before);
  }
}

TEST_F(AppExport, WhatIsNoTrainedRunIsSaid) {
  const std::string before = read_text(folder_ / "tried.onnx");
  expect_error(folder_, "export nowhere --out tried.onnx", "nowhere");
  write_text(folder_ / "run/model2.safetensors", "damaged");
  expect_error(folder_, "export run --out tried.onnx", "model2.safetensors");
  fs::remove(folder_ / "run/model2.safetensors");
  expect_error(folder_, "export run --out tried.onnx", "holds 1 of 2 models");
  fs::remove(folder_ / "run/model1.safetensors");
  expect_error(folder_, "export run --out tried.onnx", "train for at least one epoch");
  EXPECT_EQ(read_text(folder_ / "tried.onnx"), before);
}

TEST_F(AppExport, WrongUsageIsExplained) {
  const AppResult format = run_app(folder_, "export run --format onx");
  EXPECT_EQ(format.exit_code, 2);
  EXPECT_TRUE(contains(format.err, "'onx' is none of onnx")) << format.err;
  EXPECT_EQ(run_app(folder_, "export").exit_code, 2);
  EXPECT_TRUE(contains(run_app(folder_, "--help").out, "export"));
}

}  // namespace
}  // namespace bptplr
