// Writes predictions as a table or as JSON, to a file or stdout, one at a time.
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
    std::filesystem::path out;  ///< empty: stdout
    bool json = false;          ///< rather than comma-separated values
    bool all = false;           ///< whether to write the probabilities of all classes
  };

  /// Receives class names, which must outlive it. Throws Error when the file cannot be written.
  PredictionWriter(Options options, const std::vector<std::string>& class_names);

  void write(const Prediction& prediction);
  /// Ends the list; only now the complete file appears. Throws Error if something was not written.
  void finish();

 private:
  std::string csv_header() const;
  std::string csv_row(const Prediction& prediction) const;
  std::string json_entry(const Prediction& prediction) const;
  void put(const std::string& text);

  Options options_;
  const std::vector<std::string>& class_names_;
  bool on_terminal_ = false;
  std::unique_ptr<FileBuilder> file_;
  std::int64_t size_ = 0;  ///< bytes written to the file so far
  bool is_first_ = true;
};

}  // namespace bptplr
