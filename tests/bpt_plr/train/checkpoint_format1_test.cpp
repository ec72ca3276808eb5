// A checkpoint of format 1, as the version before format 2 wrote it (tests/golden/run_format1).
#include "bpt_plr/train/checkpoint_format1.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <filesystem>
#include <string>

#include "bpt_plr/train/checkpoint.hpp"
#include "bpt_plr/train/trainer.hpp"
#include "engine/error.hpp"
#include "engine/io/file.hpp"
#include "tests/message_of.hpp"
#include "tests/temporary_folder.hpp"

namespace bptplr {
namespace {

namespace fs = std::filesystem;

fs::path golden_file() {
  return fs::path(BPTPLR_GOLDEN_DIR) /
         "run_format1/checkpoints/epoch_000007_net1_000002.safetensors";
}

class Silent : public TrainingObserver {};

TEST(CheckpointFormat1, Loads) {
  const Checkpoint checkpoint = load_checkpoint(golden_file());
  EXPECT_EQ(checkpoint.format, 1);
  EXPECT_EQ(checkpoint.position.epoch, 7);
  EXPECT_EQ(checkpoint.position.network, 0);
  EXPECT_EQ(checkpoint.position.iteration, 2);
  EXPECT_EQ(checkpoint.accuracies.size(), 7U);
  EXPECT_EQ(checkpoint.recipe.seed, 7);
}

TEST(CheckpointFormat1, NoChangedByteGoesUnnoticed) {
  const TemporaryFolder folder;
  const std::string file = folder / "checkpoint";
  const std::string bytes = read_file(golden_file());
  std::uint64_t header = 0;
  std::memcpy(&header, bytes.data(), sizeof header);
  for (std::size_t i = 8 + header; i < bytes.size(); i += 4099) {  // of the tensors
    std::string changed = bytes;
    changed[i] = static_cast<char>(changed[i] ^ 4);
    write_file_atomically(file, changed);
    EXPECT_NE(message_of([&] { load_checkpoint(file); }).find(file + " is damaged"),
              std::string::npos)
        << "byte " << i;
  }
  std::string changed = bytes;
  const std::size_t accuracy = bytes.find("[10.0,10.0,15.0");  // of the state
  ASSERT_NE(accuracy, std::string::npos);
  changed[accuracy + 1] = '9';
  write_file_atomically(file, changed);
  EXPECT_NE(message_of([&] { load_checkpoint(file); }).find(file + " is damaged"),
            std::string::npos);
}

TEST(CheckpointFormat1, GoesOnWithTheSameDataAlone) {
  const Checkpoint checkpoint = load_checkpoint(golden_file());
  TrainingData data = load_training_data(checkpoint.recipe);
  EXPECT_EQ(hash_training_data(data, 1), checkpoint.data_hash);
  EXPECT_NE(hash_training_data(data), checkpoint.data_hash);
  Silent observer;
  Trainer trainer(checkpoint.recipe, data, observer);
  trainer.restore(checkpoint, "RUN");
  const Checkpoint again = trainer.checkpoint();
  EXPECT_EQ(again.format, kCheckpointFormat);
  EXPECT_EQ(again.data_hash, hash_training_data(data));

  data.noisy_labels[3] = (data.noisy_labels[3] + 1) % 10;
  Trainer other(checkpoint.recipe, data, observer);
  EXPECT_NE(message_of([&] { other.restore(checkpoint, "RUN"); }).find("are not those of the run"),
            std::string::npos);
}

}  // namespace
}  // namespace bptplr
