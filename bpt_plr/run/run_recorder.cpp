#include "bpt_plr/run/run_recorder.hpp"

#include <nlohmann/json.hpp>
#include <utility>

#include "bpt_plr/run/selection_points.hpp"
#include "engine/error.hpp"
#include "engine/io/json.hpp"

namespace bptplr {

RunRecorder::RunRecorder(const RunFolder& folder, const Recipe& recipe, Warn warn)
    : folder_(folder),
      checkpoints_(folder.checkpoints(recipe.keep_checkpoints)),
      events_(folder.path(), recipe),
      warn_(std::move(warn)) {}

bool RunRecorder::attempt(const std::function<void()>& write) const {
  try {
    write();
    return true;
  } catch (const Error& error) {
    warn_(fmt::format("{}; training goes on, and the next epoch tries again", error.what()));
    return false;
  }
}

void RunRecorder::write_pending_metrics() {
  folder_.append_metrics(pending_metrics_);
  pending_metrics_.clear();
}

void RunRecorder::write_pending_selection() {
  if (pending_selection_.empty()) return;
  folder_.append_selection(pending_selection_);
  pending_selection_.clear();
}

void RunRecorder::record_epoch(const EpochMetrics& metrics, const Trainer& trainer) {
  const SelectionPoints points = selection_points(metrics);
  pending_metrics_ += to_text(to_json(metrics)) + "\n";
  if (!points.networks.empty()) pending_selection_ += to_text(to_json(points)) + "\n";
  // Lines come before the checkpoint: a resumed run drops lines that are ahead of its checkpoint.
  bool complete = attempt([&] { write_pending_metrics(); });
  complete &= attempt([&] { write_pending_selection(); });
  attempt([&] { events_.record(metrics, points); });
  complete &= attempt([&] { folder_.write_models(trainer); });
  complete &= attempt([&] { checkpoints_.save(trainer.checkpoint()); });
  is_complete_ = complete;
}

void RunRecorder::record_interruption(const Trainer& trainer) const {
  checkpoints_.save(trainer.checkpoint());
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
  write_pending_metrics();
  write_pending_selection();
  folder_.write_models(trainer);
  checkpoints_.save(trainer.checkpoint());
  is_complete_ = true;
}

}  // namespace bptplr
