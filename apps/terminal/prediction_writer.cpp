#include "apps/terminal/prediction_writer.hpp"

#include <unistd.h>

#include <cmath>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <utility>

#include "data/csv.hpp"
#include "engine/error.hpp"
#include "engine/io/file.hpp"
#include "engine/io/json.hpp"

namespace bptplr {
namespace {

/// Returns a field of the table; a terminal must not obey what a stranger's file is called.
std::string field(const std::string& text, bool on_terminal) {
  return csv_field(on_terminal ? printable(text) : text);
}

/// Rounds to six decimals, as in the table.
double rounded(float probability) {
  return std::round(static_cast<double>(probability) * 1e6) / 1e6;
}

}  // namespace

PredictionWriter::PredictionWriter(Options options, const std::vector<std::string>& class_names)
    : options_(std::move(options)),
      class_names_(class_names),
      on_terminal_(options_.out.empty() && ::isatty(STDOUT_FILENO) == 1) {
  if (!options_.out.empty())
    file_ = std::make_unique<FileBuilder>(output_file(options_.out), nullptr);
  put(options_.json ? "[" : csv_header());
}

std::string PredictionWriter::csv_header() const {
  std::string header = "path,label,name,probability";
  if (options_.all) {
    for (const std::string& name : class_names_)
      header += fmt::format(",{}", field("p_" + name, on_terminal_));
  }
  return header + "\n";
}

std::string PredictionWriter::csv_row(const Prediction& prediction) const {
  const auto label = static_cast<std::size_t>(prediction.label);
  std::string row = fmt::format("{},{},{},{:.6f}", field(prediction.path.string(), on_terminal_),
                                prediction.label, field(class_names_[label], on_terminal_),
                                prediction.probability[label]);
  if (options_.all) {
    for (const float p : prediction.probability) row += fmt::format(",{:.6f}", p);
  }
  return row + "\n";
}

std::string PredictionWriter::json_entry(const Prediction& prediction) const {
  const auto label = static_cast<std::size_t>(prediction.label);
  nlohmann::ordered_json json{{"path", prediction.path.string()},
                              {"label", prediction.label},
                              {"name", class_names_[label]},
                              {"probability", rounded(prediction.probability[label])}};
  if (options_.all) {
    for (const float p : prediction.probability) json["probabilities"].push_back(rounded(p));
  }
  // File names are arbitrary bytes, but JSON must be UTF-8.
  return to_text(json);
}

void PredictionWriter::write(const Prediction& prediction) {
  put(options_.json ? (is_first_ ? "\n" : ",\n") + json_entry(prediction) : csv_row(prediction));
  is_first_ = false;
}

void PredictionWriter::finish() {
  if (options_.json) put("\n]\n");
  if (file_ != nullptr) {
    file_->commit();
  } else {
    require(std::fflush(stdout) == 0 && std::ferror(stdout) == 0,
            "cannot write all predictions to stdout; free some space or write to another --out");
  }
}

void PredictionWriter::put(const std::string& text) {
  if (file_ == nullptr) {
    fmt::print("{}", text);
    return;
  }
  file_->write(size_, {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
  size_ += std::ssize(text);
}

}  // namespace bptplr
