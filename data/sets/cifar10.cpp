#include "data/sets/cifar10.hpp"

#include "data/sets/cifar_files.hpp"

namespace bptplr {
namespace {

constexpr CifarFormat kCifar10Format{
    .name = "CIFAR-10",
    .classes = 10,
    .label_bytes = 1,
    .label_key = "labels",
    .first_batch = "data_batch_1",
    .binary_folder = "cifar-10-batches-bin",
    .python_folder = "cifar-10-batches-py",
    .python_archive = "cifar-10-python.tar.gz",
};

}  // namespace

Dataset load_cifar10(const std::filesystem::path& folder) {
  const CifarFiles files(kCifar10Format, folder);
  Dataset dataset;
  dataset.name = "cifar10";
  dataset.class_names = {"airplane", "automobile", "bird",  "cat",  "deer",
                         "dog",      "frog",       "horse", "ship", "truck"};
  dataset.mean = {0.4914F, 0.4822F, 0.4465F};
  dataset.std = {0.2023F, 0.1994F, 0.2010F};
  dataset.train =
      files.read({"data_batch_1", "data_batch_2", "data_batch_3", "data_batch_4", "data_batch_5"});
  dataset.test = files.read({"test_batch"});
  return dataset;
}

}  // namespace bptplr
