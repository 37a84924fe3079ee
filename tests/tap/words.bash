# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What outcomes.bats loads.
words() { echo some words; }
