#include "bpt_plr/results/compare/folder.hpp"

#include <chrono>
#include <nlohmann/json.hpp>
#include <string_view>
#include <utility>

#include "bpt_plr/results/compare/files.hpp"
#include "bpt_plr/results/compare/plan.hpp"
#include "bpt_plr/run/run_folder.hpp"
#include "engine/error.hpp"
#include "engine/io/file.hpp"
#include "engine/io/file_lock.hpp"
#include "engine/io/json.hpp"
#include "engine/io/open_file.hpp"

namespace bptplr {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kRuns = "runs.jsonl";
constexpr const char* kLock = "lock";
/// Many processes write for a second each at most, and the lock of a host that is gone takes NFS a
/// minute or two to release; who has it for longer hangs.
constexpr std::chrono::minutes kPatience{5};

/// Locks the files that all processes of a comparison write; each holds it for a moment only.
FileLock lock_files(const std::filesystem::path& folder) {
  return FileLock::wait_for(folder / kLock, kPatience);
}

/// Reads runs.jsonl without a line cut short by a killed process; returns "" if there is no file.
std::string whole_lines(const std::filesystem::path& file) {
  if (!path_exists(file)) return "";
  std::string text = read_file(file);
  const std::size_t end = text.rfind('\n');
  const std::size_t begin_of_rest = end == std::string::npos ? 0 : end + 1;
  // A complete last line may only lack its newline, which some editors leave out.
  if (begin_of_rest < text.size() && Json::accept(text.substr(begin_of_rest))) return text + "\n";
  text.resize(begin_of_rest);
  return text;
}

std::vector<ComparedRun> parse_lines(std::string_view text, const std::string& file) {
  std::vector<ComparedRun> runs;
  for (int number = 1; !text.empty(); ++number) {
    const std::size_t end = text.find('\n');
    const std::string origin = fmt::format("line {} of {}", number, file);
    const Json json = parse_ordered_json_or_none(text.substr(0, end));
    require(!json.is_discarded(),
            "{} is damaged; remove the line, and its run is taken from its folder or made again",
            origin);
    runs.push_back(compared_run(json, origin));
    text.remove_prefix(end + 1);
  }
  return runs;
}

}  // namespace

ComparisonFolder::ComparisonFolder(std::filesystem::path path) : path_(std::move(path)) {
  read();
}

ComparisonFolder ComparisonFolder::create(const std::filesystem::path& path) {
  make_folders(path);
  RunFolder::check_unused(path);
  const FileLock lock = lock_files(path);
  ComparisonFolder folder(path);
  // Fails now, not after a run, if the folder is not writable, and removes an incomplete last line.
  write_file_atomically(path / kRuns, whole_lines(path / kRuns));
  return folder;
}

ComparisonFolder ComparisonFolder::open(const std::filesystem::path& path) {
  require(path_exists(path / kRuns),
          "{} holds no comparison: {} is missing; name the folder that `bptplr compare` wrote to",
          path.string(), kRuns);
  return ComparisonFolder(path);
}

void ComparisonFolder::read() {
  const std::filesystem::path file = path_ / kRuns;
  runs_ = parse_lines(whole_lines(file), file.string());
}

void ComparisonFolder::add(const ComparedRun& run) {
  const FileLock lock = lock_files(path_);
  read();
  require_same_data(runs_, run);  // another process may have recorded a run since this one began
  const std::filesystem::path file = path_ / kRuns;
  const std::string whole = whole_lines(file);
  // A process killed while it appended has left a part of its line.
  if (!path_exists(file) || whole != read_file(file)) write_file_atomically(file, whole);
  append_to_file(file, to_text(to_json(run)) + "\n");
  runs_.push_back(run);
}

std::filesystem::path ComparisonFolder::run_path(const std::string& label,
                                                 std::int64_t seed) const {
  return path_ / label / fmt::format("seed{}", seed);
}

Comparison update_tables(const std::filesystem::path& folder, std::vector<std::string> labels,
                         std::span<const std::int64_t> seeds) {
  const FileLock lock = lock_files(folder);
  const ComparisonFolder newest = ComparisonFolder::open(folder);
  Comparison comparison = gather(newest.runs(), std::move(labels), seeds);
  write_comparison(folder, comparison);
  return comparison;
}

}  // namespace bptplr
