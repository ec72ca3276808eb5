// `bptplr data check PATH`: inspects a data set of image files before training.
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "apps/commands.hpp"
#include "apps/terminal/load_progress.hpp"
#include "apps/terminal/terminal.hpp"
#include "apps/terminal/text_layout.hpp"
#include "data/images/check.hpp"
#include "data/images/image_file.hpp"
#include "data/sets/dataset_table.hpp"
#include "engine/threads.hpp"

namespace bptplr {
namespace {

namespace fs = std::filesystem;

/// Layout of a page: pictures per class, number of classes, width of a picture in pixels.
constexpr std::size_t kPageColumns = 10;
constexpr std::size_t kPageRows = 40;
constexpr int kPageSide = 64;
/// Columns of the names of fields, which are longer here than those of other commands, and those
/// from which bars are long.
constexpr std::size_t kLongName = 12;
constexpr std::size_t kWide = 80;

struct CheckOptions {
  std::string path;
  std::string page;
  long long threads = 0;
};

/// Returns the training images, then the test images.
std::vector<LabelledFile> all_files(const ImageList& list) {
  std::vector<LabelledFile> files = list.train;
  files.insert(files.end(), list.test.begin(), list.test.end());
  return files;
}

void print_field(const std::string& name, const std::string& text) {
  say_field(name, text, kLongName);
}

void print_sizes(const ImageCheck& check) {
  using Size = std::pair<std::pair<int, int>, std::int64_t>;
  std::vector<Size> sizes(check.sizes.begin(), check.sizes.end());
  std::ranges::stable_sort(sizes, std::greater<>(), &Size::second);
  constexpr std::size_t kShown = 3;
  std::string text;
  for (std::size_t i = 0; i < std::min(sizes.size(), kShown); ++i) {
    text +=
        fmt::format("{} x {} ({})  ", sizes[i].first.first, sizes[i].first.second, sizes[i].second);
  }
  if (sizes.size() > kShown) {
    const auto shorter = [](const Size& s) { return std::min(s.first.first, s.first.second); };
    const auto [least, most] = std::ranges::minmax(sizes, {}, shorter);
    text += fmt::format("and {} others; shorter sides from {} to {}", sizes.size() - kShown,
                        shorter(least), shorter(most));
  }
  print_field("sizes", text);
}

void print_duplicates(const ImageList& list, const std::vector<LabelledFile>& files,
                      const ImageCheck& check) {
  print_field("duplicates",
              fmt::format("{} groups of files with the same bytes", check.duplicates.size()));
  for (const auto& group : check.duplicates) {
    const auto file = [&](std::int64_t i) { return files[static_cast<std::size_t>(i)]; };
    const bool labels_differ = std::ranges::any_of(
        group, [&](std::int64_t i) { return file(i).label != file(group.front()).label; });
    const bool in_both =
        group.front() < std::ssize(list.train) && group.back() >= std::ssize(list.train);
    say(fmt::format("    the same{}{}:\n", labels_differ ? ", with different labels" : "",
                    in_both ? ", in training and test set" : ""));
    for (const std::int64_t i : group) say_sentence("        " + file(i).path.string());
  }
}

void print_labels(const ImageList& list) {
  std::vector<std::array<std::int64_t, 2>> counts(list.class_names.size());
  for (const LabelledFile& file : list.train) ++counts[static_cast<std::size_t>(file.label)][0];
  for (const LabelledFile& file : list.test) ++counts[static_cast<std::size_t>(file.label)][1];
  std::int64_t most = 1;
  const std::int64_t bar = terminal_columns() >= kWide ? 30 : 15;
  for (const auto& count : counts) most = std::max(most, count[0]);
  std::vector<std::vector<std::string>> rows;
  for (std::size_t c = 0; c < counts.size(); ++c) {
    rows.push_back({fmt::format("    {} {}", c, list.class_names[c]),
                    fmt::format("{}", counts[c][0]), fmt::format("{}", counts[c][1]),
                    std::string(static_cast<std::size_t>(counts[c][0] * bar / most), '#')});
  }
  print_field("labels", "");
  say_table({{"    number, class", true, 12}, {"training"}, {"test"}, {"", true}}, rows);
}

/// Writes a page with the first images of each class; says which are missing there that were
/// readable before.
void write_page(const ImageList& list, const ImageCheck& check, const fs::path& path) {
  std::vector<std::vector<fs::path>> rows(std::min(list.class_names.size(), kPageRows));
  for (const LabelledFile& file : list.train) {
    const auto label = static_cast<std::size_t>(file.label);
    if (label < rows.size() && rows[label].size() < kPageColumns) rows[label].push_back(file.path);
  }
  const auto missing = [&](const std::string& sentence) {
    if (std::ranges::find(check.unreadable, sentence) != check.unreadable.end()) return;
    print_warning(sentence + "; its place on the page is empty");
  };
  write_png(path, sample_page(rows, kPageSide, missing));
  print_field("page", fmt::format("{}: a row of images for each class", path.string()));
}

int check(const CheckOptions& options) {
  use_threads(options.threads);
  const ImageList list = list_image_files(options.path);
  const std::vector<LabelledFile> files = all_files(list);
  std::vector<fs::path> paths;
  paths.reserve(files.size());
  for (const LabelledFile& file : files) paths.push_back(file.path);
  ImageCheck found;
  {
    const StopSignal signal;
    LoadProgress loading(signal);
    found = check_images(paths, loading.report());
  }
  print_field("data", fmt::format("{}: {}", list.name, options.path));
  print_field("classes", fmt::format("{}", list.class_names.size()));
  print_field("images", fmt::format("{} training, {} test", list.train.size(), list.test.size()));
  print_sizes(found);
  print_field("turned", fmt::format("{} with an EXIF orientation; --exif says whether training "
                                    "turns them",
                                    found.turned));
  print_field("passed over", list.passed_over.empty() ? "nothing" : list.passed_over.sentence());
  for (const std::string& sentence : list.warnings) print_field("note", sentence);
  print_field("unreadable", fmt::format("{}", found.unreadable.size()));
  for (const std::string& sentence : found.unreadable) say_sentence("    " + sentence);
  print_duplicates(list, files, found);
  print_labels(list);
  if (!options.page.empty()) write_page(list, found, options.page);
  std::int64_t passed_over = 0;
  for (const auto& [kind, count] : list.passed_over.kinds()) passed_over += count;
  say_last(fmt::format(
      "classes {} train {} test {} unreadable {} duplicates {} turned {} passed_over {}",
      list.class_names.size(), list.train.size(), list.test.size(), found.unreadable.size(),
      found.duplicates.size(), found.turned, passed_over));
  return 0;
}

}  // namespace

void add_data_command(CLI::App& app, Action& action) {
  CLI::App* data = app.add_subcommand("data", "Look at a data set of image files.");
  data->require_subcommand(1);
  CLI::App* command = data->add_subcommand(
      "check", "Read every image: classes, sizes, unreadable files, duplicates, labels.");
  const auto options = std::make_shared<CheckOptions>();
  command
      ->add_option("PATH", options->path,
                   "folder of classes, manifest (CSV), folder of Animal-10N or Clothing1M")
      ->type_name("PATH")
      ->required();
  command->add_option("--page", options->page, "write a page of sample images to this PNG file")
      ->type_name("FILE");
  command->add_option("--threads", options->threads, "CPU threads; 0: all")
      ->check(CLI::Range(0, 4096));
  command->callback([&action, options] { action = [options] { return check(*options); }; });
}

}  // namespace bptplr
