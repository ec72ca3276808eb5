#include "apps/apply_corrections.hpp"

#include <fmt/format.h>

#include "apps/terminal/load_progress.hpp"
#include "apps/terminal/stop_signals.hpp"
#include "apps/terminal/terminal.hpp"
#include "engine/error.hpp"

namespace bptplr {

ApplyTarget parse_apply(const std::vector<std::string>& words) {
  const auto mode = value_named<ApplyMode>(words.front());
  require(mode.has_value(), "--apply is '{}', but must be move, copy or csv", words.front());
  require(words.size() == 2 || mode == ApplyMode::kMove,
          "--apply {} needs a folder to write to; add it: --apply {} DIR", words.front(),
          words.front());
  return {*mode, words.size() == 2 ? words[1] : ""};
}

void apply_corrections(const ApplyTarget& target, std::span<const Correction> corrections,
                       const TrainingData& data, const std::string& undo_folder) {
  switch (target.mode) {
    case ApplyMode::kMove: {
      const Applied done = apply_by_moving(corrections, data, target.folder, undo_folder);
      say_field("applied",
                fmt::format("{} of {} files moved; `bptplr audit RUN --undo {}` moves them back",
                            done.files, done.changed, done.result.string()));
      break;
    }
    case ApplyMode::kCopy: {
      const StopSignal signal;
      LoadProgress copying(signal);
      const Applied done =
          apply_by_copying(corrections, data, target.folder, copying.report().progress);
      say_field("applied",
                fmt::format("{} images copied to {}, {} of them with a new label; --dataset folder "
                            "--data_path {}",
                            done.files, done.result.string(), done.changed, done.result.string()));
      break;
    }
    case ApplyMode::kCsv: {
      const Applied done = apply_as_csv(corrections, data, target.folder);
      say_field("applied",
                fmt::format("{} images listed in {}, {} of them with a new label; --dataset csv "
                            "--data_path {}",
                            done.files, done.result.string(), done.changed, done.result.string()));
      break;
    }
  }
}

}  // namespace bptplr
