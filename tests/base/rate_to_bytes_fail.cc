// rejected: conversion from .*Quantity.* to non-scalar type .*Quantity|no viable conversion from
// .*Quantity
#include "base/units.h"

const planewise::Bytes kSize = planewise::gigabytes_per_second(50);
