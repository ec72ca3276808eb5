#include "bpt_plr/run/run_recorder.hpp"

#include <nlohmann/json.hpp>
#include <utility>

#include "bpt_plr/run/selection_points.hpp"
#include "engine/error.hpp"
#include "engine/io/json.hpp"

namespace bptplr {

RunRecorder::RunRecorder(const RunFolder& folder, const Recipe& recipe,
                         std::function<void()> describe, Warn warn)
    : folder_(folder),
      checkpoints_(folder.checkpoints(recipe.keep_checkpoints)),
      events_(folder.path(), recipe),
      describe_(std::move(describe)),
      warn_(std::move(warn)),
      metrics_(folder.metrics_log()),
      selection_(folder.selection_log()) {}

void RunRecorder::begin() {
  metrics_ = folder_.metrics_log();
  selection_ = folder_.selection_log();
}

void RunRecorder::resume(const Checkpoint& checkpoint) {
  begin();
  saved_epoch_ = checkpoint.position.epoch;
  metrics_.add(checkpoint.unwritten_metrics);
  selection_.add(checkpoint.unwritten_selection);
  attempt([&] { metrics_.write(); });
  attempt([&] { selection_.write(); });
}

bool RunRecorder::attempt(const std::function<void()>& write) const {
  try {
    write();
    return true;
  } catch (const Error& error) {
    warn_(fmt::format("{}; training goes on, and the next epoch tries again", error.what()));
    return false;
  }
}

void RunRecorder::save_checkpoint(const Trainer& trainer) {
  Checkpoint checkpoint = trainer.checkpoint();
  checkpoint.unwritten_metrics = metrics_.unwritten();
  checkpoint.unwritten_selection = selection_.unwritten();
  checkpoints_.save(checkpoint);
  saved_epoch_ = checkpoint.position.epoch;
}

void RunRecorder::restore_folder() {
  if (RunFolder::exists(folder_.path())) return;
  warn_(fmt::format("{} has been moved or emptied; it is written anew", folder_.path().string()));
  describe_();
}

void RunRecorder::fail(const Error& error, const std::string& what) const {
  throw Error(
      "{}; {}: once it can be written, the same command with --resume --out {} {}", error.what(),
      what, folder_.path().string(),
      saved_epoch_ > 0 ? fmt::format("goes on after {} epochs", saved_epoch_) : "begins again");
}

void RunRecorder::record_epoch(const EpochMetrics& metrics, const Trainer& trainer) {
  const SelectionPoints points = selection_points(metrics);
  metrics_.add(to_text(to_json(metrics)) + "\n");
  if (!points.networks.empty()) selection_.add(to_text(to_json(points)) + "\n");
  bool complete = attempt([&] { restore_folder(); });
  // Lines come before the checkpoint: a resumed run drops lines that are ahead of its checkpoint.
  complete &= attempt([&] { metrics_.write(); });
  complete &= attempt([&] { selection_.write(); });
  attempt([&] { events_.record(metrics, points); });
  complete &= attempt([&] { folder_.write_models(trainer, metrics.epoch + 1); });
  complete &= attempt([&] { save_checkpoint(trainer); });
  is_complete_ = complete;
}

void RunRecorder::record_interruption(const Trainer& trainer) {
  try {
    save_checkpoint(trainer);
  } catch (const Error& error) {
    fail(error, "the training stopped here is not saved");
  }
}

std::string RunRecorder::record_failure(const Trainer& trainer) const {
  try {
    return fmt::format("the state before it is in {}",
                       checkpoints_.save_diagnostic(trainer.checkpoint()).string());
  } catch (const Error& error) {
    return error.what();
  }
}

void RunRecorder::finish(const Trainer& trainer) {
  if (is_complete_) return;
  try {
    restore_folder();
    metrics_.write();
    selection_.write();
    folder_.write_models(trainer, trainer.position().epoch);
    save_checkpoint(trainer);
  } catch (const Error& error) {
    fail(error, "all epochs are trained, but not all results are saved");
  }
  is_complete_ = true;
}

}  // namespace bptplr
