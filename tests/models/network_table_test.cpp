// Every network that a recipe can name can be made from its row.
#include "models/network_table.hpp"

#include <gtest/gtest.h>

namespace bptplr {
namespace {

NetworkConfig narrow(Arch arch, std::int64_t classes) {
  return {.arch = arch, .heads = {classes, 8}, .width = 2, .blocks = {1, 1, 1, 1}, .inputs = 5};
}

TEST(NetworkTable, HasARowForEveryNetwork) {
  for (const auto& [arch, name] : names_of(Arch{})) {
    SCOPED_TRACE(name);
    EXPECT_EQ(network_kind(arch).arch, arch);
    const auto network = make_network(narrow(arch, 7), 1, 0);
    EXPECT_EQ(network->heads().num_classes, 7);
    EXPECT_EQ(network->prototypes().shape(), (Shape{7, 8}));
  }
}

TEST(NetworkTable, NetworksTakeWhatTheirRowsSay) {
  const NoGrad no_grad;
  for (const auto& [arch, name] : names_of(Arch{})) {
    SCOPED_TRACE(name);
    const auto network = make_network(narrow(arch, 3), 1, 0);
    const auto check = network_kind(arch).check_images;
    if (check != nullptr) {
      EXPECT_NO_THROW(check(32, 32));
    }
    const Tensor x =
        network_kind(arch).takes_vectors ? Tensor::zeros({1, 5}) : Tensor::zeros({1, 32, 32, 3});
    EXPECT_EQ(network->classify(x, {}).size(1), 3);
    EXPECT_EQ(network->embed(x).size(0), 1);
  }
}

}  // namespace
}  // namespace bptplr
