// Predictions as a table or as JSON, to a file or to the terminal, one at a time.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "bpt_plr/run/predictor.hpp"
#include "engine/io/mapped_file.hpp"

namespace bptplr {

class PredictionWriter {
 public:
  struct Options {
    std::filesystem::path out;  ///< empty: to stdout
    bool json = false;          ///< else comma-separated values
    bool all = false;           ///< the probabilities of all classes, too
  };

  /// `class_names` must outlive this. Throws Error when the file cannot be written.
  PredictionWriter(Options options, const std::vector<std::string>& class_names);

  void write(const Prediction& prediction);
  /// Ends the list; only then the file is there, whole. Throws Error when something could not be
  /// written.
  void finish();

 private:
  std::string csv_header() const;
  std::string csv_row(const Prediction& prediction) const;
  std::string json_entry(const Prediction& prediction) const;
  void put(const std::string& text);

  Options options_;
  const std::vector<std::string>& class_names_;
  std::unique_ptr<FileBuilder> file_;
  std::int64_t size_ = 0;  ///< bytes in the file so far
  bool is_first_ = true;
};

}  // namespace bptplr
