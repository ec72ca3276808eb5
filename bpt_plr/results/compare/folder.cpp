#include "bpt_plr/results/compare/folder.hpp"

#include <nlohmann/json.hpp>
#include <string_view>
#include <utility>

#include "bpt_plr/run/run_folder.hpp"
#include "engine/error.hpp"
#include "engine/io/file.hpp"
#include "engine/io/json.hpp"
#include "engine/io/open_file.hpp"

namespace bptplr {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kRuns = "runs.jsonl";
constexpr const char* kLock = "lock";

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

ComparisonFolder::ComparisonFolder(std::filesystem::path path, std::optional<FileLock> lock)
    : path_(std::move(path)), lock_(std::move(lock)) {
  const std::filesystem::path file = path_ / kRuns;
  runs_ = parse_lines(whole_lines(file), file.string());
}

ComparisonFolder ComparisonFolder::create(const std::filesystem::path& path) {
  make_folders(path);
  RunFolder::check_unused(path);
  ComparisonFolder folder(path, FileLock(path / kLock));
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

void ComparisonFolder::add(const ComparedRun& run) {
  append_to_file(path_ / kRuns, to_text(to_json(run)) + "\n");
  runs_.push_back(run);
}

std::filesystem::path ComparisonFolder::run_path(const std::string& label,
                                                 std::int64_t seed) const {
  return path_ / label / fmt::format("seed{}", seed);
}

}  // namespace bptplr
