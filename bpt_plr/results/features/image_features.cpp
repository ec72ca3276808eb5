#include "bpt_plr/results/features/image_features.hpp"

#include <algorithm>
#include <numeric>
#include <span>
#include <string>
#include <vector>

#include "bpt_plr/run/feature_file.hpp"
#include "data/csv.hpp"
#include "data/images/batch.hpp"
#include "data/sets/dataset_table.hpp"
#include "engine/error.hpp"
#include "engine/io/file.hpp"
#include "engine/io/hash.hpp"

namespace bptplr {
namespace {

namespace fs = std::filesystem;

/// Files that are decoded at a time, and lost where the process ends.
constexpr std::int64_t kBatch = 128;

/// File of a data set with the split that it belongs to.
struct Entry {
  LabelledFile file;
  bool is_test = false;
};

std::vector<Entry> entries_of(const ImageList& list) {
  std::vector<Entry> entries;
  for (const LabelledFile& file : list.train) entries.push_back({file, false});
  for (const LabelledFile& file : list.test) entries.push_back({file, true});
  return entries;
}

/// Returns a hash that is another one for other networks or other files.
std::uint64_t key_of(const Embedder& embedder, std::span<const Entry> entries) {
  std::uint64_t hash = embedder.hash();
  for (const Entry& entry : entries) hash = hash_bytes(entry.file.path.string(), hash);
  return hash;
}

/// Returns the table of the rows, with paths told from the folder of the table.
std::string table_of(std::span<const Entry> entries, std::span<const std::int64_t> kept,
                     const std::vector<std::string>& names, const fs::path& folder) {
  const auto is_told = [](const Entry& e) { return e.file.true_label != kUnknownLabel; };
  const bool has_truth = std::ranges::any_of(entries, is_told);
  std::string table = has_truth ? "path,label,true_label,split\n" : "path,label,split\n";
  const auto name = [&](std::int64_t label) {
    return label < 0 ? std::string() : csv_field(names[static_cast<std::size_t>(label)]);
  };
  for (const std::int64_t i : kept) {
    const Entry& entry = entries[static_cast<std::size_t>(i)];
    const fs::path path = fs::absolute(entry.file.path).lexically_proximate(folder);
    table += fmt::format("{},{}", csv_field(path.generic_string()), name(entry.file.label));
    if (has_truth) table += fmt::format(",{}", name(entry.file.true_label));
    table += entry.is_test ? ",test\n" : ",train\n";
  }
  return table;
}

void write_table(const fs::path& table, std::span<const Entry> entries,
                 std::span<const std::int64_t> kept, const std::vector<std::string>& names) {
  const fs::path folder = fs::absolute(table).parent_path();
  write_file_atomically(output_file(table), table_of(entries, kept, names, folder));
}

}  // namespace

std::int64_t count_images(const fs::path& data) {
  return std::ssize(entries_of(list_image_files(data)));
}

std::int64_t write_label_table(const fs::path& data, const fs::path& table) {
  const ImageList list = list_image_files(data);
  const std::vector<Entry> entries = entries_of(list);
  std::vector<std::int64_t> all(entries.size());
  std::iota(all.begin(), all.end(), 0);
  write_table(table, entries, all, list.class_names);
  return std::ssize(entries);
}

FeatureTable write_features(const Embedder& embedder, const fs::path& data, const fs::path& out,
                            OnBadImage on_bad_image, const LoadReport& report) {
  require(out.extension() == ".npy", "--out is {}, but features are written as NAME.npy",
          out.string());
  const ImageList list = list_image_files(data);
  if (report.warning) {
    if (!list.passed_over.empty()) report.warning("passed over: " + list.passed_over.sentence());
    for (const std::string& sentence : list.warnings) report.warning(sentence);
  }
  const std::vector<Entry> entries = entries_of(list);
  const auto total = std::ssize(entries);
  require(total > 0, "{}: there are no images; add some", data.string());
  FeatureFile file(out, embedder.dim(), key_of(embedder, entries));
  if (file.progress().files_done > 0 && report.warning) {
    report.warning(fmt::format("going on after {} of {} images, which are done",
                               file.progress().files_done, total));
  }
  for (std::int64_t first = file.progress().files_done; first < total; first += kBatch) {
    const std::int64_t end = std::min(first + kBatch, total);
    std::vector<fs::path> paths;
    for (std::int64_t i = first; i < end; ++i) {
      paths.push_back(entries[static_cast<std::size_t>(i)].file.path);
    }
    const ImageBatch batch =
        read_image_batch(paths, embedder.side(), embedder.recipe().exif == UseExif::kTrue);
    for (const std::string& problem : batch.problems) {
      require(on_bad_image == OnBadImage::kSkip,
              "{}, or leave such files out with --on_bad_image skip", problem);
      if (report.warning) report.warning("left out: " + problem);
    }
    std::vector<std::int64_t> kept;
    for (const std::int64_t k : batch.kept) kept.push_back(first + k);
    file.append(kept.empty() ? Tensor::empty({0, embedder.dim()}) : embedder.embed(batch.images),
                kept, end);
    if (report.progress) report.progress(end, total);
  }
  const std::vector<std::int64_t> kept = file.progress().kept;
  require(!kept.empty(), "{}: none of the {} image files is readable", data.string(), total);
  FeatureTable table;
  table.labels = fs::path(out).replace_extension(".csv");
  table.rows = std::ssize(kept);
  table.left_out = total - table.rows;
  write_table(table.labels, entries, kept, list.class_names);
  file.finish();
  return table;
}

}  // namespace bptplr
