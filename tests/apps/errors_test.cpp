// What goes wrong on the command line: the exit code, and one sentence that names the cause.
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <string>

#include "tests/apps/run_app.hpp"

namespace bptplr {
namespace {

/// Expects exit code 2, `part`, and where to look for help.
void expect_usage_error(const TemporaryFolder& folder, const std::string& arguments,
                        const std::string& part) {
  SCOPED_TRACE(arguments);
  const AppResult result = run_app(folder, arguments);
  EXPECT_EQ(result.exit_code, 2) << result.err;
  EXPECT_TRUE(contains(result.err, part)) << result.err;
  EXPECT_TRUE(contains(result.err, "--help")) << result.err;
  EXPECT_EQ(result.out, "");
}

TEST(AppErrors, UsageErrorsExitWith2) {
  const TemporaryFolder folder;
  expect_usage_error(folder, "", "subcommand");
  expect_usage_error(folder, "trian", "trian");
  expect_usage_error(folder, "train --no_such_flag 3", "--no_such_flag");
  expect_usage_error(folder, "train --r half", "--r");
  expect_usage_error(folder, "train --batch_size 12.5", "--batch_size");
  expect_usage_error(folder, "train --width", "--width");
  expect_usage_error(folder, "train --seed 0x10", "'0x10' is not a whole number");
  expect_usage_error(folder, "train --seed 9223372036854775808", "of at most 64 bits");
  expect_usage_error(folder, "train --method dividemux", "dividemux");
  expect_usage_error(folder, "train --dataset shapes stray", "stray");
  expect_usage_error(folder, "eval", "RUN");
  expect_usage_error(folder, "info --jsn", "--jsn");
}

TEST(AppErrors, TypingErrorsAreAnsweredWithTheLikeliestName) {
  const TemporaryFolder folder;
  expect_usage_error(folder, "trian", "there is no 'trian' among train, compare");
  expect_usage_error(folder, "trian", "did you mean 'train'?");
  expect_usage_error(folder, "data chekc x", "did you mean 'check'?");
  expect_usage_error(folder, "train --lamda_u 3", "no flag --lamda_u; did you mean '--lambda_u'?");
  expect_usage_error(folder, "train --lamda-u=3", "did you mean '--lambda_u'?");
  expect_usage_error(folder, "train -r 0.5", "there is no flag -r; did you mean '--r'?");
  expect_usage_error(folder, "info --jsn", "did you mean '--json'?");
  expect_usage_error(folder, "--recipe x train", "--recipe is a flag of train; write it after");
  expect_usage_error(folder, "train --method dividemux", "did you mean 'dividemix'?");
  expect_usage_error(folder, "train --dataset animal10N", "did you mean 'animal10n'?");
  expect_usage_error(folder, "eval run --device gpu", "'gpu' is none of auto, cpu, cuda");
  const AppResult nothing_like_it = run_app(folder, "train --zzzzzzzz 1");
  EXPECT_FALSE(contains(nothing_like_it.err, "did you mean")) << nothing_like_it.err;
  write_text(folder / "typo.json", "{\"batchsize\": 4}");
  expect_error(folder, "train --recipe typo.json", "did you mean 'batch_size'?");
}

TEST(AppErrors, AnEmptyValueIsAValue) {
  const TemporaryFolder folder;
  // Each would take --width for its value, and the error would be about a stray 4.
  expect_usage_error(folder, "train --r= --width 4", "--r");
  expect_usage_error(folder, "train --seed= --width 4", "'' is no INT");
  expect_usage_error(folder, "train --method= --width 4", "'' is none of bptplr");
  expect_usage_error(folder, "train --cuda_graph= --width 4", "--cuda_graph: '' is no true|false");
  expect_usage_error(folder, "train --r ''", "--r: '' is no NUMBER; give a value");
  expect_usage_error(folder, "audit run --threshold= --top 3", "--threshold");
  expect_usage_error(folder, "audit run --threshold= --top 3", "bptplr audit --help");
  expect_error(folder, "train --data_path= --width 4", "data_path is missing");
  expect_error(folder, "train --pretrained= --dataset shapes --width 1025", "width is 1025");
  expect_error(folder, "train --pretrained= --recipe= --dataset shapes --width 1025", "width");
  expect_usage_error(folder, "compare ce --seeds= stray= --no_such", "--no_such");
  expect_usage_error(folder, "compare ce --seeds= --table= x", "--table takes no value");
  expect_error(folder, "compare --out= ce --dataset shapes --width 1025", "width is 1025");
}

TEST(AppErrors, FlagsMayBeSpelledWithHyphens) {
  const TemporaryFolder folder;
  expect_error(folder, "train --dataset shapes --batch-size 0", "batch_size is 0");
  expect_error(folder, "train --dataset shapes --batch-size=0", "batch_size is 0");
  expect_error(folder, "train --data-path some-where --out=--batch-size", "some-where");
}

TEST(AppErrors, FieldsOutOfRange) {
  const TemporaryFolder folder;
  expect_error(folder, "train --dataset shapes --r 1.5", "r is 1.5");
  expect_error(folder, "train --dataset shapes --r -0.1", "r is -0.1");
  expect_error(folder, "train --dataset shapes --r nan", "r is nan");
  expect_error(folder, "train --dataset shapes --batch_size 0", "batch_size is 0");
  expect_error(folder, "train --dataset shapes --blocks 1,1", "blocks is '1,1'");
  expect_error(folder, "train " + kSmall + "--pretrained nowhere.pth", "nowhere.pth");
  // Before the data, which may take an hour to decode.
  expect_error(folder, "train --dataset folder --data_path nowhere --pretrained nowhere.pth",
               "nowhere.pth");
  expect_error(folder, "train --dataset shapes --noise_mode asym", "noise_mode asym");
  expect_error(folder, "train --dataset shapes --crop -8", "crop is -8");
  expect_error(folder, "train --dataset shapes --width 1025", "width is 1025");
  expect_error(folder, "train --dataset shapes --shapes_train 200 --subset 500", "500");
  expect_error(folder, "train", "data_path is missing");
}

TEST(AppErrors, CropsThatDoNotFit) {
  const TemporaryFolder folder;
  expect_error(folder, "train " + kSmall + "--out a --crop 41",
               "a crop of 41 x 41 pixels does not fit into images of 32 x 32");
  expect_error(folder, "train " + kSmall + "--out b --crop 20", "multiple of 8, not 20 x 20");
}

TEST(AppErrors, MissingAndDamagedData) {
  const TemporaryFolder folder;
  expect_error(folder, "train --data_path nowhere", "nowhere");
  std::filesystem::create_directories(folder / "empty");
  expect_error(folder, "train --data_path empty", "empty");

  // One byte short of a whole number of 3073-byte records, and cut inside the first.
  for (const std::size_t size : {std::size_t{3 * 3073 - 1}, std::size_t{100}, std::size_t{0}}) {
    const std::string cut = folder / ("cifar" + std::to_string(size));
    std::filesystem::create_directories(cut);
    const std::string whole(3 * 3073, '\0');
    for (int i = 1; i <= 5; ++i) {
      write_text(cut + "/data_batch_" + std::to_string(i) + ".bin",
                 i == 4 ? whole.substr(0, size) : whole);
    }
    write_text(cut + "/test_batch.bin", whole);
    expect_error(folder, "train --data_path " + cut, "data_batch_4.bin");
  }
  // A label beyond the ten classes.
  const std::string wrong = folder / "wrong_label";
  std::filesystem::create_directories(wrong);
  for (const char* name : {"data_batch_1", "data_batch_2", "data_batch_3", "data_batch_4",
                           "data_batch_5", "test_batch"}) {
    write_text(wrong + "/" + name + ".bin", std::string(3073, '\x0b'));
  }
  expect_error(folder, "train --data_path " + wrong, "data_batch_1.bin");
}

TEST(AppErrors, TruncatedGenuineFiles) {
  const std::string genuine = BPTPLR_SHARED_DIR "/data/genuine-prefix/cifar-10-batches-py";
  if (!std::filesystem::is_directory(genuine)) GTEST_SKIP() << genuine << " is not there";
  const TemporaryFolder folder;
  expect_error(folder, "train --data_path '" + genuine + "'", "data_batch");
}

TEST(AppErrors, NoiseFiles) {
  const TemporaryFolder folder;
  const std::string train = "train " + kSmall + "--out run --noise_file ";
  expect_error(folder, train + "nowhere.json", "nowhere.json");
  write_text(folder / "short.json", "[0, 1, 2]");
  expect_error(folder, train + "short.json", "200");
  std::string labels = "[10";
  for (int i = 1; i < 200; ++i) labels += ", " + std::to_string(i % 10);
  write_text(folder / "label.json", labels + "]");
  expect_error(folder, train + "label.json", "10");
  write_text(folder / "object.json", "{}");
  expect_error(folder, train + "object.json", "object.json");
  write_text(folder / "broken.json", "[0, 1");
  expect_error(folder, train + "broken.json", "broken.json");
}

TEST(AppErrors, Recipes) {
  const TemporaryFolder folder;
  expect_error(folder, "train --recipe no-such-recipe", "no-such-recipe");
  write_text(folder / "broken.json", "{\"r\": 0.4,,}");
  expect_error(folder, "train --recipe broken.json", "broken.json is not valid JSON");
  write_text(folder / "unknown.json", "{\"rate\": 0.4}");
  expect_error(folder, "train --recipe unknown.json", "there is no recipe field 'rate'");
  write_text(folder / "type.json", "{\"r\": \"0.4\"}");
  expect_error(folder, "train --recipe type.json", "r is \"0.4\"");
  expect_error(folder, "train --recipe .", "regular file");
}

TEST(AppErrors, OutFolders) {
  const TemporaryFolder folder;
  write_text(folder / "file", "in the way");
  // Below a regular file nobody can write, not even root.
  expect_error(folder, "train " + kSmall + "--out file/run", "file/run");
  expect_error(folder, "train " + kSmall + "--out file", "file");
  std::filesystem::create_directories(folder / "used");
  write_text(folder / "used/config.json", "{}");
  expect_error(folder, "train " + kSmall + "--out used", "holds the results of a run");
}

TEST(AppErrors, OutputThatCannotBeWritten) {
  const TemporaryFolder folder;
  const std::string command = std::string(BPTPLR_BINARY_DIR) + "/bptplr ";
  const std::string err = folder / "err";
  for (const char* arguments : {"info", "info --json"}) {
    const int status = std::system((command + arguments + " >/dev/full 2>'" + err + "'").c_str());
    EXPECT_EQ(WEXITSTATUS(status), 1) << arguments;
    EXPECT_TRUE(contains(read_text(err), "not all output could be written to stdout"));
  }
  // Training does not depend on who reads about it.
  const std::string train = "train " + kSmall + "--out '" + (folder / "run") + "'";
  const int status = std::system((command + train + " >/dev/full 2>'" + err + "'").c_str());
  EXPECT_EQ(WEXITSTATUS(status), 1);
  EXPECT_TRUE(contains(read_text(err), "not all output could be written to stdout"));
  EXPECT_TRUE(std::filesystem::exists(folder / "run/model1.safetensors"));
}

TEST(AppErrors, EvalWithoutARun) {
  const TemporaryFolder folder;
  expect_error(folder, "eval nowhere", "nowhere");
  std::filesystem::create_directories(folder / "empty");
  expect_error(folder, "eval empty", "config.json");
  std::filesystem::create_directories(folder / "bare");
  write_text(folder / "bare/config.json", "{\"dataset\": \"shapes\"}");
  expect_error(folder, "eval bare", "model1.safetensors");
  write_text(folder / "bare/model1.safetensors", "no model");
  expect_error(folder, "eval bare", "bare holds 1 of 2 models");
  write_text(folder / "bare/model2.safetensors", "no model");
  expect_error(folder, "eval bare", "model1.safetensors");
}

}  // namespace
}  // namespace bptplr
