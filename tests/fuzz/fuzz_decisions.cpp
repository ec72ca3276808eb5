// Fuzzes decisions about the suspects of an audit, as its page saves them.
#include "bpt_plr/results/correct/corrections.hpp"
#include "bpt_plr/train/training_data.hpp"
#include "tests/fuzz/fuzz_input.hpp"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const bptplr::TrainingData training = [] {
    bptplr::TrainingData made;
    made.dataset.class_names = {"cat", "dog"};
    made.noisy_labels = {0, 1, 1};
    made.dataset.train.labels = made.noisy_labels;
    made.dataset.train.images.count = 3;
    return made;
  }();
  const auto file = bptplr::fuzz_folder().write("decisions.json", data, size);
  return bptplr::parse([&] { bptplr::read_decisions(file, training); });
}
