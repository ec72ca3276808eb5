#include "bpt_plr/results/correct/apply.hpp"

#include <algorithm>
#include <cctype>
#include <map>
#include <set>
#include <string>
#include <system_error>
#include <vector>

#include "data/class_names.hpp"
#include "data/csv.hpp"
#include "data/images/formats.hpp"
#include "data/images/image_file.hpp"
#include "engine/error.hpp"
#include "engine/io/file.hpp"
#include "engine/io/open_file.hpp"

namespace bptplr {
namespace {

namespace fs = std::filesystem;

constexpr const char* kUndoHeading = "from,to\n";

void require_files(const Split& split) {
  require(!split.files.empty(),
          "the images of this data set have no files of their own; train on audit/labels.json with "
          "--noise_file instead");
}

/// Returns a class's name as the name of a folder.
std::string folder_name(const std::string& class_name) {
  std::string name = class_name;
  std::ranges::replace_if(
      name, [](unsigned char c) { return c == '/' || std::iscntrl(c) != 0; }, '_');
  return name.empty() || name == "." || name == ".." ? "_" : name;
}

/// Throws Error if two classes have one name as a folder, where their images would mix.
void require_distinct_folders(const Dataset& dataset) {
  std::map<std::string, std::string> classes;
  for (const std::string& name : dataset.class_names) {
    const auto [of, is_new] = classes.emplace(folder_name(name), name);
    require(is_new,
            "the classes '{}' and '{}' would be one folder, {}; use --apply csv, or rename one",
            of->second, name, of->first);
  }
}

/// Returns the labels of all training images after the corrections.
std::vector<std::int64_t> corrected(std::span<const Correction> corrections,
                                    const TrainingData& data) {
  std::vector<std::int64_t> labels = data.noisy_labels;
  for (const Correction& c : corrections) labels[static_cast<std::size_t>(c.sample)] = c.label;
  return labels;
}

/// Names of files that are given only once.
class FreeNames {
 public:
  /// Returns `folder`/NAME, NAME being that of `file`, with `mark` and a number where it is taken.
  fs::path find(const fs::path& folder, const fs::path& file, const std::string& mark) {
    int& next = next_[folder / file.filename()];
    for (;; ++next) {
      const int number = next;
      std::string name = file.filename().string();
      if (number > 0) {
        name = fmt::format("{}_{}{}{}", file.stem().string(), mark,
                           number > 1 ? fmt::format("_{}", number) : "", file.extension().string());
      }
      const fs::path path = folder / name;
      if (!is_taken(path) && given_.insert(path).second) return path;
    }
  }

 private:
  std::set<fs::path> given_;
  std::map<fs::path, int> next_;  ///< number to try next for a name, as many files may share one
};

/// Copies a file under a name that is free; where that fails, leaves nothing half-written.
void copy_whole(const fs::path& from, const fs::path& to, std::error_code& error) {
  std::error_code ignored;
  const bool is_free = fs::symlink_status(to, ignored).type() == fs::file_type::not_found;
  fs::copy_file(from, to, fs::copy_options::none, error);
  if (error && is_free) fs::remove(to, ignored);
}

/// Moves a file; throws Error rather than overwrite another.
void move_file(const fs::path& from, const fs::path& to) {
  std::error_code error;
  // A second name and then none of the first: unlike rename, this does not overwrite.
  fs::create_hard_link(from, to, error);
  if (error == std::errc::cross_device_link || error == std::errc::operation_not_permitted ||
      error == std::errc::operation_not_supported || error == std::errc::function_not_supported) {
    error.clear();
    copy_whole(from, to, error);
    std::error_code ignored;
    if (!error) fs::last_write_time(to, fs::last_write_time(from, ignored), ignored);
  }
  if (!error) fs::remove(from, error);
  require(!error, "cannot move {} to {}: {}", from.string(), to.string(), error.message());
}

struct Move {
  fs::path from;
  fs::path to;
};

/// Returns where a class's images are moved to.
fs::path class_folder(std::int64_t label, const TrainingData& data, const fs::path& folder) {
  const auto c = static_cast<std::size_t>(label);
  if (!folder.empty()) return folder / folder_name(data.dataset.class_names[c]);
  require(!data.dataset.class_folders.empty(),
          "the images are not in folders of classes; name a folder to move them to (--apply move "
          "DIR), or use --apply csv DIR or --apply copy DIR");
  return data.dataset.class_folders[c];
}

std::vector<Move> plan_moves(std::span<const Correction> corrections, const TrainingData& data,
                             const fs::path& folder) {
  require_files(data.dataset.train);
  if (!folder.empty()) require_distinct_folders(data.dataset);
  FreeNames names;
  std::vector<Move> moves;
  for (const Correction& correction : corrections) {
    const auto i = static_cast<std::size_t>(correction.sample);
    const fs::path from = fs::absolute(data.dataset.train.files[i]);
    const fs::path to = fs::absolute(class_folder(correction.label, data, folder));
    // Somebody may have moved it there already.
    if (from.lexically_relative(to).native().starts_with("..")) {
      const auto given = static_cast<std::size_t>(data.noisy_labels[i]);
      const std::string mark = "from_" + folder_name(data.dataset.class_names[given]);
      moves.push_back({from, names.find(to, from, mark)});
    }
  }
  return moves;
}

/// Returns undo_1.csv in the folder, or the first number that is free.
fs::path new_undo_file(const fs::path& folder) {
  make_folders(folder);
  for (int number = 1;; ++number) {
    fs::path file = folder / fmt::format("undo_{}.csv", number);
    if (!is_taken(file)) return file;
  }
}

std::vector<Move> read_moves(const fs::path& undo_file) {
  const std::string name = undo_file.string();
  const std::string text = read_file(undo_file);
  require(text.starts_with(kUndoHeading),
          "{}: not what --apply move writes, which begins with from,to", name);
  const std::vector<CsvRow> rows = parse_csv(text, name);
  std::vector<Move> moves;
  for (auto row = rows.begin() + 1; row != rows.end(); ++row) {
    require(row->fields.size() == 2, "{}, line {}: two paths are expected; restore the file", name,
            row->line);
    moves.push_back({row->fields[0], row->fields[1]});
  }
  return moves;
}

/// Throws Error unless a picture goes back to a folder that exists: a stranger's file must not move
/// others to where they act.
void require_picture_of_folder(const Move& move, const fs::path& undo_file) {
  const bool is_picture = format_of(read_image_bytes(move.to)) != nullptr;
  require(is_picture, "{}: {} is no picture, so no audit has moved it; put it back by hand",
          undo_file.string(), move.to.string());
  require(is_folder(move.from.parent_path()),
          "{}: the folder {} has gone; make it, if the file is one of yours", undo_file.string(),
          move.from.parent_path().string());
}

/// Copies a split's images to `folder`/CLASS.
void copy_split(const Split& split, std::span<const std::int64_t> labels, const Dataset& dataset,
                const fs::path& folder, const std::function<void()>& copied) {
  require_files(split);
  FreeNames names;
  for (std::size_t i = 0; i < split.files.size(); ++i) {
    const auto label = static_cast<std::size_t>(labels[i]);
    const fs::path to = folder / folder_name(dataset.class_names[label]);
    make_folders(to);
    const fs::path file = names.find(to, split.files[i], "copy");
    std::error_code error;
    copy_whole(split.files[i], file, error);
    require(!error, "cannot copy {} to {}: {}", split.files[i], file.string(), error.message());
    copied();
  }
}

std::string table_of(const Split& split, std::span<const std::int64_t> labels,
                     std::span<const std::int64_t> truth, const Dataset& dataset,
                     std::string_view part) {
  const auto name = [&](std::int64_t label) {
    return csv_field(dataset.class_names[static_cast<std::size_t>(label)]);
  };
  std::string rows;
  for (std::size_t i = 0; i < split.files.size(); ++i) {
    rows += fmt::format("{},{},{},{}\n",
                        csv_field(fs::absolute(split.files[i]).lexically_normal().string()),
                        name(labels[i]), part, truth.empty() || truth[i] < 0 ? "" : name(truth[i]));
  }
  return rows;
}

}  // namespace

Applied apply_by_moving(std::span<const Correction> corrections, const TrainingData& data,
                        const fs::path& folder, const fs::path& undo_folder) {
  const std::vector<Move> moves = plan_moves(corrections, data, folder);
  Applied applied{new_undo_file(undo_folder), std::ssize(corrections), 0};
  append_to_file(applied.result, kUndoHeading);
  for (const Move& move : moves) {
    make_folders(move.to.parent_path());
    append_to_file(applied.result, fmt::format("{},{}\n", csv_field(move.from.string()),
                                               csv_field(move.to.string())));
    try {
      move_file(move.from, move.to);
    } catch (const Error& error) {
      throw Error("{}; `bptplr audit RUN --undo {}` takes back the {} moves before it",
                  error.what(), applied.result.string(), applied.files);
    }
    ++applied.files;
  }
  return applied;
}

Applied apply_by_copying(std::span<const Correction> corrections, const TrainingData& data,
                         const fs::path& folder,
                         const std::function<void(std::int64_t, std::int64_t)>& progress) {
  require_files(data.dataset.train);
  require_distinct_folders(data.dataset);
  require(!path_exists(folder) || (is_folder(folder) && fs::is_empty(folder)),
          "{} is there already and not empty; name a new folder for the copy", folder.string());
  Applied applied{folder, std::ssize(corrections), 0};
  const auto total = std::ssize(data.dataset.train.files) + std::ssize(data.dataset.test.files);
  const auto copied = [&] {
    ++applied.files;
    if (progress) progress(applied.files, total);
  };
  const std::vector<std::int64_t> labels = corrected(corrections, data);
  copy_split(data.dataset.train, labels, data.dataset, folder / "train", copied);
  copy_split(data.dataset.test, data.dataset.test.labels, data.dataset, folder / "test", copied);
  return applied;
}

Applied apply_as_csv(std::span<const Correction> corrections, const TrainingData& data,
                     const fs::path& folder) {
  require_files(data.dataset.train);
  const Dataset& dataset = data.dataset;
  for (const std::string& name : dataset.class_names) {
    require(!is_missing_label(name),
            "the class '{}' would read as a missing label in a table; rename its folder first",
            name);
  }
  Applied applied{folder / "labels.csv", std::ssize(corrections),
                  std::ssize(dataset.train.files) + std::ssize(dataset.test.files)};
  require(!is_taken(applied.result), "{} is there already; name another folder, or move it away",
          applied.result.string());
  make_folders(folder);
  write_file_atomically(applied.result,
                        "path,label,split,true_label\n" +
                            table_of(dataset.train, corrected(corrections, data), data.true_labels,
                                     dataset, "train") +
                            table_of(dataset.test, dataset.test.labels, {}, dataset, "test"));
  return applied;
}

std::int64_t undo_moves(const fs::path& undo_file) {
  std::vector<Move> moves = read_moves(undo_file);
  std::erase_if(moves, [](const Move& move) {
    return !path_exists(move.to) && path_exists(move.from);  // not moved, or back already
  });
  for (const Move& move : moves) {
    require(path_exists(move.to), "{}: neither {} nor {} is there; put it back by hand",
            undo_file.string(), move.to.string(), move.from.string());
    require(!is_taken(move.from), "{}: {} is there again, and would be overwritten; move it away",
            undo_file.string(), move.from.string());
    require_picture_of_folder(move, undo_file);
  }
  for (auto move = moves.rbegin(); move != moves.rend(); ++move) {
    move_file(move->to, move->from);
  }
  return std::ssize(moves);
}

}  // namespace bptplr
