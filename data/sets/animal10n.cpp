#include "data/sets/animal10n.hpp"

#include <algorithm>
#include <cctype>
#include <string>
#include <string_view>
#include <utility>

#include "data/class_names.hpp"
#include "data/images/resize.hpp"
#include "data/sets/image_folder.hpp"
#include "engine/error.hpp"
#include "engine/io/file.hpp"
#include "engine/io/open_file.hpp"
#include "kernels/parallel.hpp"

namespace bptplr {
namespace {

namespace fs = std::filesystem;

constexpr int kAnimalSide = 64;
constexpr std::size_t kAnimalPlane = std::size_t{kAnimalSide} * kAnimalSide;
constexpr std::size_t kHeader = 8;  // number and label
constexpr std::size_t kRecord = kHeader + 3 * kAnimalPlane;
constexpr std::int64_t kAnimals = 10;

/// Returns the part of the description that both forms share.
ImageList description(const fs::path& folder) {
  ImageList list;
  list.name = "animal10n";
  list.origin = fs::absolute(folder).lexically_normal().string();
  list.class_names = {"cat",    "lynx",       "wolf",      "coyote",  "cheetah",
                      "jaguar", "chimpanzee", "orangutan", "hamster", "guinea pig"};
  list.mean = {0.6959F, 0.6537F, 0.6371F};
  list.std = {0.3113F, 0.3192F, 0.3214F};
  return list;
}

/// Returns the folder that holds training/ and testing/ without folders in them; empty if there is
/// none.
fs::path find_image_folder(const fs::path& folder) {
  for (const char* name : {".", "raw_image", "raw_image_ver", "raw_image_ver/raw_image"}) {
    fs::path candidate = (folder / name).lexically_normal();
    PassedOver ignored;
    if (is_folder(candidate / "training") && is_folder(candidate / "testing") &&
        find_folders(candidate / "training", ignored).empty()) {
      return candidate;
    }
  }
  return {};
}

std::vector<LabelledFile> list_split(const fs::path& folder, PassedOver& passed_over) {
  std::vector<LabelledFile> files;
  const FoundImages found = find_images(folder);
  passed_over.add(found.passed_over);
  for (const fs::path& path : found.files) {
    const unsigned char first = static_cast<unsigned char>(path.filename().string().front());
    require(std::isdigit(first) != 0,
            "{}: the name does not begin with a label from 0 to 9; rename or remove the file",
            path.string());
    files.push_back({path, first - '0', kUnknownLabel});
  }
  return files;
}

/// Returns the label of a folder of a class, called by its number or name; -1 for others.
std::int64_t label_of_folder(const std::string& name, const std::vector<std::string>& classes) {
  if (const auto number = whole_number(name)) return *number < kAnimals ? *number : -1;
  std::string spelled = normal_name(name);
  std::ranges::transform(spelled, spelled.begin(), [](unsigned char c) {
    return c == '_' || c == '-' ? ' ' : static_cast<char>(std::tolower(c));
  });
  const auto found = std::ranges::find(classes, spelled);
  return found == classes.end() ? -1 : found - classes.begin();
}

/// Lists images that somebody has sorted into a folder for each class.
ImageList list_class_folders(const fs::path& folder, ImageList list) {
  ImageList sorted = list_folder(folder);
  std::vector<std::int64_t> labels;
  for (const std::string& name : sorted.class_names) {
    labels.push_back(label_of_folder(name, list.class_names));
    require(labels.back() >= 0,
            "{}: the classes of Animal-10N are 0 to 9, or cat, lynx, wolf, ..., but there is a "
            "folder '{}'; say --dataset folder if these are other images",
            folder.string(), name);
  }
  for (auto* files : {&sorted.train, &sorted.test}) {
    for (LabelledFile& file : *files) file.label = labels[static_cast<std::size_t>(file.label)];
  }
  list.root = sorted.root;
  list.train = std::move(sorted.train);
  list.test = std::move(sorted.test);
  list.passed_over = std::move(sorted.passed_over);
  return list;
}

/// Reads an image from its record, side x side, NHWC.
void read_record(std::string_view record, int side, std::uint8_t* out) {
  Image image{kAnimalSide, kAnimalSide, std::vector<std::uint8_t>(3 * kAnimalPlane)};
  for (std::size_t i = 0; i < kAnimalPlane; ++i) {
    for (std::size_t c = 0; c < 3; ++c) {
      image.pixels[3 * i + c] = static_cast<std::uint8_t>(record[kHeader + c * kAnimalPlane + i]);
    }
  }
  resize_and_crop(image, side, out);
}

std::int64_t label_of(std::string_view record) {
  std::int64_t label = 0;
  for (const char byte : record.substr(4, 4)) label = label * 256 + static_cast<std::uint8_t>(byte);
  return label;
}

struct Batches {
  std::vector<std::uint8_t> pixels;
  std::vector<std::int64_t> labels;
};

void append_batch(const fs::path& path, int side, Batches& all) {
  const std::string bytes = read_file(path);
  require(
      !bytes.empty() && bytes.size() % kRecord == 0,
      "{}: {} bytes, where records of {} bytes (number, label and image) are expected; the file "
      "is cut short or of another kind, fetch it again",
      path.string(), bytes.size(), kRecord);
  const std::size_t count = bytes.size() / kRecord;
  for (std::size_t i = 0; i < count; ++i) {
    all.labels.push_back(label_of(std::string_view(bytes).substr(i * kRecord, kRecord)));
    require(all.labels.back() < kAnimals,
            "{}: image {} has label {}, Animal-10N's labels are 0 to 9; the file is damaged or of "
            "another data set, fetch it again",
            path.string(), i, all.labels.back());
  }
  const std::size_t before = all.pixels.size();
  const std::size_t size = static_cast<std::size_t>(side) * static_cast<std::size_t>(side) * 3;
  all.pixels.resize(before + count * size);
  kernels::parallel_for(
      static_cast<std::int64_t>(count), 64, [&](std::int64_t begin, std::int64_t end) {
        for (auto i = static_cast<std::size_t>(begin); i < static_cast<std::size_t>(end); ++i) {
          read_record(std::string_view(bytes).substr(i * kRecord, kRecord), side,
                      all.pixels.data() + before + i * size);
        }
      });
}

Split read_batches(const std::vector<fs::path>& paths, const ImageSetOptions& options) {
  Batches all;
  for (std::size_t i = 0; i < paths.size(); ++i) {
    append_batch(paths[i], options.side, all);
    if (options.report.progress) {
      options.report.progress(static_cast<std::int64_t>(i) + 1,
                              static_cast<std::int64_t>(paths.size()));
    }
  }
  return {Images::in_memory(options.side, options.side, std::move(all.pixels)),
          std::move(all.labels)};
}

/// Returns data_batch_1.bin, data_batch_2.bin, ... up to the first that is missing.
std::vector<fs::path> training_batches(const fs::path& folder) {
  std::vector<fs::path> paths;
  for (int i = 1;; ++i) {
    fs::path path = folder / fmt::format("data_batch_{}.bin", i);
    std::error_code ignored;
    if (!fs::exists(path, ignored)) return paths;
    paths.push_back(std::move(path));
  }
}

}  // namespace

bool has_animal10n_images(const fs::path& folder) {
  return !find_image_folder(folder).empty();
}

ImageList list_animal10n(const fs::path& folder) {
  const fs::path images = find_image_folder(folder);
  if (images.empty() && (is_folder(folder / "train") || is_folder(folder / "training"))) {
    return list_class_folders(folder, description(folder));
  }
  require(
      !images.empty(),
      "{}: no Animal-10N here (neither training/ and testing/ nor data_batch_1.bin); extract an "
      "archive of https://dm.kaist.ac.kr/datasets/animal-10n and name that folder",
      folder.string());
  ImageList list = description(folder);
  list.root = images;
  list.train = list_split(images / "training", list.passed_over);
  list.test = list_split(images / "testing", list.passed_over);
  return list;
}

Dataset load_animal10n(const fs::path& folder, const ImageSetOptions& options) {
  const std::vector<fs::path> batches = training_batches(folder);
  if (has_animal10n_images(folder) || batches.empty()) {
    return load_image_list(list_animal10n(folder), options);
  }
  const ImageList about = description(folder);
  Dataset dataset;
  dataset.name = about.name;
  dataset.class_names = about.class_names;
  dataset.mean.assign(about.mean.begin(), about.mean.end());
  dataset.std.assign(about.std.begin(), about.std.end());
  dataset.train = read_batches(batches, options);
  dataset.train.true_labels.assign(dataset.train.labels.size(), kUnknownLabel);
  dataset.test = read_batches({folder / "test_batch.bin"}, options);
  return dataset;
}

}  // namespace bptplr
