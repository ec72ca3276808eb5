// `bptplr cache list` and `bptplr cache clear`: the decoded images that are kept on the disk.
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include "apps/commands.hpp"
#include "apps/terminal/terminal.hpp"
#include "bpt_plr/recipe/text.hpp"
#include "data/images/cache.hpp"
#include "data/images/cache_folder.hpp"
#include "engine/error.hpp"

namespace bptplr {
namespace {

namespace fs = std::filesystem;

struct CacheOptions {
  std::string folder;
  std::vector<std::string> names;
  bool all = false;
};

fs::path folder_of(const CacheOptions& options) {
  return options.folder.empty() ? default_cache_folder() : fs::path(options.folder);
}

std::string state_of(const CacheFile& cache) {
  if (cache.in_use) return cache.is_complete ? "in use" : "being written";
  return cache.is_complete ? time_text(cache.last_used_ns) : "left unfinished";
}

std::int64_t total_of(const std::vector<CacheFile>& caches) {
  std::int64_t bytes = 0;
  for (const CacheFile& cache : caches) bytes += cache.bytes;
  return bytes;
}

/// Prints a table of the caches and what they take together.
int list(const CacheOptions& options) {
  const fs::path folder = folder_of(options);
  const std::vector<CacheFile> caches = list_caches(folder);
  std::vector<std::vector<std::string>> rows;
  std::vector<std::string> paths;
  for (const CacheFile& cache : caches) {
    rows.push_back({cache.set, cache.split, fmt::format("{0} x {0}", cache.side),
                    fmt::format("{}", cache.count), bytes_text(cache.bytes), state_of(cache)});
    paths.push_back(cache.path.string());
  }
  if (!caches.empty()) {
    say_table(
        {{"set", true, 8}, {"part", true}, {"side"}, {"images"}, {"size"}, {"last used", true}},
        rows, "path", paths);
  }
  const std::int64_t bytes = total_of(caches);
  say_sentence(fmt::format("{} caches of decoded images take {} in {}", caches.size(),
                           bytes_text(bytes), folder.string()));
  say(fmt::format("caches {} bytes {}\n", caches.size(), bytes));
  return 0;
}

/// Returns the caches that the user names by their file or by their data set. Throws Error for a
/// name without a cache.
std::vector<CacheFile> chosen(const CacheOptions& options, const fs::path& folder) {
  const std::vector<CacheFile> caches = list_caches(folder);
  if (options.all) return caches;
  const auto is_called = [](const CacheFile& cache, const std::string& name) {
    return cache.set == name || cache.path.filename() == name || cache.path == name;
  };
  for (const std::string& name : options.names) {
    if (std::ranges::any_of(caches, [&](const CacheFile& c) { return is_called(c, name); })) {
      continue;
    }
    std::vector<std::string> sets;
    for (const CacheFile& cache : caches) sets.push_back(cache.set);
    throw Error("there is no cache '{}' in {}{}; `bptplr cache list` shows all", name,
                folder.string(), did_you_mean(name, sets));
  }
  std::vector<CacheFile> named;
  std::ranges::copy_if(caches, std::back_inserter(named), [&](const CacheFile& cache) {
    return std::ranges::any_of(options.names,
                               [&](const std::string& name) { return is_called(cache, name); });
  });
  return named;
}

int clear(const CacheOptions& options) {
  const fs::path folder = folder_of(options);
  std::vector<CacheFile> removed;
  std::size_t kept = 0;
  for (const CacheFile& cache : chosen(options, folder)) {
    if (remove_cache(cache.path)) {
      say_sentence(fmt::format("removed {} ({})", cache.path.string(), bytes_text(cache.bytes)));
      removed.push_back(cache);
    } else {
      ++kept;
      print_warning(fmt::format("kept {}: {}", cache.path.string(),
                                cache.in_use ? "a process uses it" : "it cannot be removed"));
    }
  }
  say(fmt::format("removed {} bytes {} kept {}\n", removed.size(), total_of(removed), kept));
  return kept > 0 ? 1 : 0;
}

void add_folder(CLI::App& command, CacheOptions& options) {
  command
      .add_option("--cache_dir", options.folder,
                  "folder of the caches; empty: $XDG_CACHE_HOME/bptplr or ~/.cache/bptplr")
      ->type_name("DIR");
}

}  // namespace

void add_cache_command(CLI::App& app, Action& action) {
  CLI::App* cache =
      app.add_subcommand("cache", "List or remove the decoded images kept on the disk.");
  cache->require_subcommand(1);
  const auto options = std::make_shared<CacheOptions>();
  CLI::App* lister = cache->add_subcommand(
      "list", "Show the caches with their sizes, the most recently used first.");
  add_folder(*lister, *options);
  lister->callback([&action, options] { action = [options] { return list(*options); }; });
  CLI::App* cleaner = cache->add_subcommand("clear", "Remove caches that no process uses.");
  cleaner->add_option("NAME", options->names, "data sets or files, as `bptplr cache list` shows");
  cleaner->add_flag("--all", options->all, "all caches in the folder");
  add_folder(*cleaner, *options);
  cleaner->footer("Removes nothing but caches: links and other files stay.");
  cleaner->callback([&action, options] {
    if (options->names.empty() && !options->all) throw CLI::RequiredError("NAME or --all");
    action = [options] { return clear(*options); };
  });
}

}  // namespace bptplr
