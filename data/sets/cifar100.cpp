#include "data/sets/cifar100.hpp"

#include "data/sets/cifar_files.hpp"

namespace bptplr {
namespace {

constexpr CifarFormat kCifar100Format{
    .name = "CIFAR-100",
    .classes = 100,
    .label_bytes = 2,  // the coarse label, then the fine one
    .label_key = "fine_labels",
    .first_batch = "train",
    .binary_folder = "cifar-100-binary",
    .python_folder = "cifar-100-python",
    .python_archive = "cifar-100-python.tar.gz",
};

/// Names of the fine classes, as meta and fine_label_names.txt of the archives list them.
std::vector<std::string> fine_names() {
  return {"apple",       "aquarium_fish", "baby",      "bear",       "beaver",       "bed",
          "bee",         "beetle",        "bicycle",   "bottle",     "bowl",         "boy",
          "bridge",      "bus",           "butterfly", "camel",      "can",          "castle",
          "caterpillar", "cattle",        "chair",     "chimpanzee", "clock",        "cloud",
          "cockroach",   "couch",         "crab",      "crocodile",  "cup",          "dinosaur",
          "dolphin",     "elephant",      "flatfish",  "forest",     "fox",          "girl",
          "hamster",     "house",         "kangaroo",  "keyboard",   "lamp",         "lawn_mower",
          "leopard",     "lion",          "lizard",    "lobster",    "man",          "maple_tree",
          "motorcycle",  "mountain",      "mouse",     "mushroom",   "oak_tree",     "orange",
          "orchid",      "otter",         "palm_tree", "pear",       "pickup_truck", "pine_tree",
          "plain",       "plate",         "poppy",     "porcupine",  "possum",       "rabbit",
          "raccoon",     "ray",           "road",      "rocket",     "rose",         "sea",
          "seal",        "shark",         "shrew",     "skunk",      "skyscraper",   "snail",
          "snake",       "spider",        "squirrel",  "streetcar",  "sunflower",    "sweet_pepper",
          "table",       "tank",          "telephone", "television", "tiger",        "tractor",
          "train",       "trout",         "tulip",     "turtle",     "wardrobe",     "whale",
          "willow_tree", "wolf",          "woman",     "worm"};
}

}  // namespace

Dataset load_cifar100(const std::filesystem::path& folder) {
  const CifarFiles files(kCifar100Format, folder);
  Dataset dataset;
  dataset.name = "cifar100";
  dataset.class_names = fine_names();
  dataset.mean = {0.507F, 0.487F, 0.441F};
  dataset.std = {0.267F, 0.256F, 0.276F};
  dataset.train = files.read({"train"});
  dataset.test = files.read({"test"});
  return dataset;
}

}  // namespace bptplr
