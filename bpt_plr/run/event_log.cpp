#include "bpt_plr/run/event_log.hpp"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "bpt_plr/recipe/json.hpp"
#include "bpt_plr/run/selection_plot.hpp"
#include "data/images/codecs.hpp"
#include "engine/error.hpp"
#include "engine/io/json.hpp"

namespace bptplr {
namespace {

/// Approximate number of epochs with pictures: each has four of them, about 90 kB together.
constexpr std::int64_t kDrawnEpochs = 40;

/// Returns the tag of a loss: "loss" -> "loss/total", "loss_x" -> "loss/x", "penalty" ->
/// "loss/penalty". "lambda_u", a weight, stays as it is.
std::string loss_tag(std::string_view name) {
  if (name == "loss") return "loss/total";
  if (name == "lambda_u") return "lambda_u";
  if (name.starts_with("loss_")) name.remove_prefix(5);
  return "loss/" + std::string(name);
}

/// Escapes the bars in a value, which would end its cell of a Markdown table.
std::string in_cell(const std::string& text) {
  std::string cell;
  for (const char c : text) {
    if (c == '|') cell += '\\';
    cell += c;
  }
  return cell;
}

std::string recipe_table(const Recipe& recipe) {
  std::string table = "| field | value |\n|---|---|\n";
  const nlohmann::ordered_json fields = to_json(recipe);
  for (const auto& [name, value] : fields.items()) {
    table += fmt::format("| {} | {} |\n", name,
                         in_cell(value.is_string() ? value.get<std::string>() : to_text(value)));
  }
  return table +
         "\nPictures. `selection`: samples by classifier loss (to the right) and prototype loss "
         "(upwards), both from 0 to 1, with the two components at two standard deviations, or "
         "where "
         "there is one loss or distance only, by that and how clean they are; blue is clean, "
         "orange "
         "wrong. `clean_probability`: how many samples have it, from 0 to 1, on a "
         "logarithmic scale; the line is the threshold.\n";
}

}  // namespace

void EventLog::record(const EpochMetrics& metrics, const SelectionPoints& points) {
  try {
    if (!file_) begin_file(metrics.epoch);
    write_curves(metrics);
    if (!metrics.networks.empty() && is_drawn(metrics.epoch)) write_pictures(metrics, points);
    file_->flush();
  } catch (const Error&) {
    file_.reset();
    throw;
  }
}

void EventLog::begin_file(std::int64_t epoch) {
  file_.emplace(folder_);
  file_->session_start(epoch);
  file_->text("recipe", epoch, recipe_table(recipe_));
}

void EventLog::write_curves(const EpochMetrics& metrics) {
  const std::int64_t epoch = metrics.epoch;
  for (const auto& [name, value] : metrics.losses) write_scalar(loss_tag(name), epoch, value);
  if (!std::isnan(metrics.test_acc)) {
    write_scalar("accuracy/test", epoch, metrics.test_acc);
    write_scalar("accuracy/best", epoch, metrics.best_acc);
    write_scalar("accuracy/mean_last10", epoch, metrics.mean_last10);
  }
  write_scalar("lr", epoch, metrics.lr);
  for (const auto& [phase, value] : metrics.seconds) write_scalar("seconds/" + phase, epoch, value);
  write_scalar("images_per_s", epoch, metrics.images_per_s);
  for (std::size_t k = 0; k < metrics.networks.size(); ++k) {
    write_network(static_cast<int>(k) + 1, metrics.networks[k], epoch);
  }
  if (!metrics.wrong_labels) return;
  const WrongLabels& labels = *metrics.wrong_labels;
  write_scalar("wrong_labels/wrong", epoch, static_cast<double>(labels.wrong));
  write_scalar("wrong_labels/flagged", epoch, static_cast<double>(labels.flagged));
  write_scalar("wrong_labels/found", epoch, static_cast<double>(labels.found));
}

void EventLog::write_network(int number, const NetworkMetrics& network, std::int64_t epoch) {
  const auto write = [&](const char* name, double value) {
    write_scalar(fmt::format("network{}/{}", number, name), epoch, value);
  };
  write("n_labelled", static_cast<double>(network.selection.n_labelled));
  write("precision", network.selection.precision);
  write("recall", network.selection.recall);
  write("auc", network.selection.auc);
  write("auc_classifier", network.auc_classifier);
  write("auc_prototype", network.auc_prototype);
  if (!network.gmm) return;
  const GmmFit& gmm = *network.gmm;
  const auto clean = static_cast<std::size_t>(gmm.clean_component);
  write("gmm_clean_weight", gmm.weights[clean]);
  write("gmm_clean_classifier", gmm.means[clean][0]);
  write("gmm_wrong_classifier", gmm.means[1 - clean][0]);
  if (!network.evidence.second.defined()) return;
  write("gmm_clean_prototype", gmm.means[clean][1]);
  write("gmm_wrong_prototype", gmm.means[1 - clean][1]);
}

bool EventLog::is_drawn(std::int64_t epoch) const {
  const std::int64_t last = recipe_.num_epochs - 1;
  const std::int64_t step = (last - recipe_.warm_up) / kDrawnEpochs + 1;
  return (epoch - recipe_.warm_up) % step == 0 || epoch == last;
}

void EventLog::write_pictures(const EpochMetrics& metrics, const SelectionPoints& points) {
  for (std::size_t k = 0; k < metrics.networks.size(); ++k) {
    const NetworkMetrics& network = metrics.networks[k];
    const std::string prefix = fmt::format("network{}/", k + 1);
    write_picture(prefix + "selection", metrics.epoch,
                  draw_selection(points.networks[k], network.gmm ? &*network.gmm : nullptr));
    write_picture(prefix + "clean_probability", metrics.epoch,
                  draw_clean_probabilities(network.clean, recipe_.p_threshold));
  }
}

void EventLog::write_scalar(const std::string& tag, std::int64_t epoch, double value) {
  if (std::isfinite(value)) file_->scalar(tag, epoch, value);
}

void EventLog::write_picture(const std::string& tag, std::int64_t epoch, const Image& image) {
  file_->image(tag, epoch, image.width, image.height, encode_png(image));
}

}  // namespace bptplr
