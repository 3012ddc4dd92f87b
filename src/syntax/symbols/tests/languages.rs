//! Definitions of the languages beside Rust and Python.

use expect_test::expect;

use super::check;
use crate::syntax::Language;

#[test]
fn javascript_definitions() {
    check(
        Language::JavaScript,
        r##"
import a, { b as c } from './m';
/** Adds.
 * More. */
export async function add(a, b) { const inner = () => 1; }
export default class Shape extends Base {
  side = 1;
  #x = () => 2;
  // The area.
  static area({ a, b } = {}) { return a; }
  get size() { return 1; }
}
const make = (x) => x, LIMIT = 3;
export const handler = async function (event) {};
module.exports.run = function () {};
const api = { list() {}, get: (id) => id };
let broken = (
"##,
        expect![[r#"
            function add 5-5 export async function add(a, b) | Adds.
            function add::inner 5-5 const inner = ()
            class Shape 6-12 export default class Shape extends Base
            method Shape::#x 8-8 #x = ()
            method Shape::area 10-10 static area({ a, b } = {}) | The area.
            method Shape::size 11-11 get size()
            function make 13-13 make = (x)
            constant LIMIT 13-13 LIMIT
            function handler 14-14 export const handler = async function (event)
            function run 15-15 module.exports.run = function ()
            constant api 16-16 const api
            method api::list 16-16 list()
            method api::get 16-16 get: (id)
        "#]],
    );
}

#[test]
fn typescript_definitions() {
    check(
        Language::TypeScript,
        r##"
import type { T } from 't';
/** What a shape has. */
export interface Area<T> extends Base { side: number; area(scale: number): T }
type Pair<T> = [T, T];
export enum Kind { A, B }
export abstract class Shape implements Area<number> {
  constructor(private readonly a: string) {}
  @Input() public name: string = 'x';
  protected abstract twice(): void;
  @HostListener('x')
  handle = (e: Event): void => {};
}
@Component({ selector: 'x' })
export class Widget {}
namespace Inner { export function deep(): void {} }
declare function outside(x: number): string;
export const VERSION: string = '1';
export const useThing = <T,>(x: T) => x;
"##,
        expect![[r#"
            interface Area 4-4 export interface Area<T> extends Base | What a shape has.
            method Area::area 4-4 area(scale: number): T
            type_alias Pair 5-5 type Pair<T> = [T, T]
            enum Kind 6-6 export enum Kind
            class Shape 7-13 export abstract class Shape implements Area<number>
            method Shape::constructor 8-8 constructor(private readonly a: string)
            method Shape::twice 10-10 protected abstract twice(): void
            method Shape::handle 11-12 handle = (e: Event): void
            class Widget 14-15 export class Widget
            module Inner 16-16 namespace Inner
            function Inner::deep 16-16 export function deep(): void
            function outside 17-17 declare function outside(x: number): string
            constant VERSION 18-18 export const VERSION: string
            function useThing 19-19 export const useThing = <T,>(x: T)
        "#]],
    );
}

#[test]
fn tsx_definitions() {
    check(
        Language::Tsx,
        r##"
export const App: React.FC<Props> = ({ name }) => <p>{name}</p>;
export function Row(props: Props) { return <tr onClick={() => 1} />; }
"##,
        expect![[r#"
            function App 2-2 export const App: React.FC<Props> = ({ name })
            function Row 3-3 export function Row(props: Props)
        "#]],
    );
}

#[test]
fn go_definitions() {
    check(
        Language::Go,
        r##"
package shapes

import (
	"fmt"
	m "math"
)

// Limit is the most.
const Limit = 3
const (
	A = iota
	B
)
var count, other int = 1, 2

// Shape has a side.
// And more.
type Shape struct {
	side float64
}
type Area interface {
	Area(scale float64) (float64, error)
}
type (
	Pair [2]int
	Alias = Shape
)

// New makes one.
func New[T any](side T) *Shape { return nil }

func (s *Shape) Area(scale float64) (float64, error) {
	f := func() {}
	return m.Pi, fmt.Errorf("x")
}
"##,
        expect![[r#"
            constant Limit 10-10 const Limit | Limit is the most.
            constant A 12-12 A
            constant B 13-13 B
            static count 15-15 var count, other int
            static other 15-15 var count, other int
            struct Shape 19-21 type Shape struct | Shape has a side.
            interface Area 22-24 type Area interface
            method Area::Area 23-23 Area(scale float64) (float64, error)
            type_alias Pair 26-26 Pair [2]int
            type_alias Alias 27-27 Alias = Shape
            function New 31-31 func New[T any](side T) *Shape | New makes one.
            method Area 33-36 func (s *Shape) Area(scale float64) (float64, error)
        "#]],
    );
}

#[test]
fn c_definitions() {
    check(
        Language::C,
        r##"
#include <stdio.h>
#define LIMIT 3
#define SQUARE(x) ((x) * (x))

/* A shape. */
struct shape { int side; };
typedef struct { int a; } pair_t;
typedef unsigned long size;
typedef int (*callback)(void *);
enum kind { A, B };
union bits { int a; };
extern int outside(int x);
static const char *names[] = { "a" };
int count = 0;

/// Adds.
static inline int add(int a, int b) { return a + b; }
char *name(void)
{
    return names[0];
}
#ifdef X
void guarded(void) {}
#endif
"##,
        expect![[r#"
            macro LIMIT 3-4 #define LIMIT
            macro SQUARE 4-5 #define SQUARE(x)
            struct shape 7-7 struct shape | A shape.
            struct pair_t 8-8 typedef struct
            type_alias size 9-9 typedef unsigned long size
            type_alias callback 10-10 typedef int (*callback)(void *)
            enum kind 11-11 enum kind
            union bits 12-12 union bits
            function outside 13-13 extern int outside(int x)
            static count 15-15 int count
            function add 18-18 static inline int add(int a, int b) | Adds.
            function name 19-22 char *name(void)
            function guarded 24-24 void guarded(void)
        "#]],
    );
}

#[test]
fn cpp_definitions() {
    check(
        Language::Cpp,
        r##"
#include "shape.h"
using std::string;
namespace geo::inner {
// A shape.
template <typename T>
class Shape : public Base<T> {
 public:
  Shape(T side);
  virtual ~Shape() = default;
  T area(T scale) const override;
  bool operator==(const Shape &other) const { return true; }
 private:
  T side_;
};
struct Pair { int a; int sum() { return a; } };
enum class Kind { A, B };
using Alias = Shape<int>;
constexpr int kLimit = 3;
template <typename T>
T Shape<T>::area(T scale) const { return side_; }
std::string &name(int a) { static std::string s; return s; }
}
int main(int argc, char **argv) { auto f = [](int a) { return a; }; return f(1); }
"##,
        expect![[r#"
            module geo::inner 4-23 namespace geo::inner
            class geo::inner::Shape 6-15 template <typename T> class Shape : public Base<T> | A shape.
            method geo::inner::Shape::Shape 9-9 Shape(T side)
            method geo::inner::Shape::~Shape 10-10 virtual ~Shape() = default
            method geo::inner::Shape::area 11-11 T area(T scale) const override
            method geo::inner::Shape::operator== 12-12 bool operator==(const Shape &other) const
            struct geo::inner::Pair 16-16 struct Pair
            method geo::inner::Pair::sum 16-16 int sum()
            enum geo::inner::Kind 17-17 enum class Kind
            type_alias geo::inner::Alias 18-18 using Alias = Shape<int>
            static geo::inner::kLimit 19-19 constexpr int kLimit
            function geo::inner::area 20-21 template <typename T> T Shape<T>::area(T scale) const
            function geo::inner::name 22-22 std::string &name(int a)
            function main 24-24 int main(int argc, char **argv)
        "#]],
    );
}

#[test]
fn java_definitions() {
    check(
        Language::Java,
        r##"
package a.b;
import java.util.List;
/**
 * A shape.
 */
@Deprecated
public abstract class Shape<T> extends Base implements Area {
  public static final int LIMIT = 3;
  private int side;
  // Makes one.
  @Inject
  public Shape(int side) { this.side = side; }
  @Override
  public <U> List<U> area(final int scale) throws IOException { return null; }
  abstract void twice();
  enum Kind { A, B }
  record Pair(int a, int b) {}
}
interface Area { int SIDES = 4; double area(); }
@interface Marker {}
"##,
        expect![[r#"
            class Shape 7-19 public abstract class Shape<T> extends Base implements Area | A shape.
            constant Shape::LIMIT 9-9 public static final int LIMIT
            method Shape::Shape 12-13 public Shape(int side) | Makes one.
            method Shape::area 14-15 public <U> List<U> area(final int scale) throws IOException
            method Shape::twice 16-16 abstract void twice()
            enum Shape::Kind 17-17 enum Kind
            class Shape::Pair 18-18 record Pair(int a, int b)
            interface Area 20-20 interface Area
            constant Area::SIDES 20-20 int SIDES
            method Area::area 20-20 double area()
            interface Marker 21-21 @interface Marker
        "#]],
    );
}

#[test]
fn c_sharp_definitions() {
    check(
        Language::CSharp,
        r##"
using System;
namespace Geo.Inner;
/// <summary>A shape.</summary>
[Serializable]
public abstract class Shape<T> : Base, IArea where T : struct {
  public const int Limit = 3;
  public string Name { get; set; } = "x";
  public int Twice => 2 * Side;
  public Shape(int side) : base(side) { }
  [Obsolete]
  public override async Task<int> Area(int scale) => await X();
}
public interface IArea { double Area(); }
public record Pair(int A, int B);
public struct Point { }
enum Kind { A }
delegate void Handler(int x);
"##,
        expect![[r#"
            module Geo.Inner 3-3 namespace Geo.Inner
            class Shape 5-13 public abstract class Shape<T> : Base, IArea where T : struct | A shape.
            constant Shape::Limit 7-7 public const int Limit
            property Shape::Name 8-8 public string Name
            property Shape::Twice 9-9 public int Twice
            method Shape::Shape 10-10 public Shape(int side) : base(side)
            method Shape::Area 11-12 public override async Task<int> Area(int scale)
            interface IArea 14-14 public interface IArea
            method IArea::Area 14-14 double Area()
            class Pair 15-15 public record Pair(int A, int B)
            struct Point 16-16 public struct Point
            enum Kind 17-17 enum Kind
            type_alias Handler 18-18 delegate void Handler(int x)
        "#]],
    );
}

#[test]
fn ruby_definitions() {
    check(
        Language::Ruby,
        r##"
require 'set'
LIMIT = 3
# A shape.
module Geo
  class Shape < Base
    attr_reader :side
    # Makes one.
    def initialize(side)
      @side = side
    end

    def self.make(*args) = new(*args)
    def area?; end
  end
  class Error < StandardError; end
end
"##,
        expect![[r#"
            constant LIMIT 3-3 LIMIT
            module Geo 5-17 module Geo | A shape.
            class Geo::Shape 6-15 class Shape < Base
            method Geo::Shape::initialize 9-11 def initialize(side) | Makes one.
            method Geo::Shape::make 13-13 def self.make(*args)
            method Geo::Shape::area? 14-14 def area?
            class Geo::Error 16-16 class Error < StandardError
        "#]],
    );
}

#[test]
fn php_definitions() {
    check(
        Language::Php,
        r##"<?php
namespace Geo\Inner;
use A\B as C;
/** A shape. */
#[Attr]
abstract class Shape extends Base implements Area {
  const LIMIT = 3;
  public function __construct(private int $side) {}
  // Twice.
  abstract public function twice(int $x): ?string;
}
interface Area { public function area(): float; }
trait Named { }
enum Kind: string { case A = 'a'; }
function add(int $a, int ...$b): int { return $a; }
"##,
        expect![[r#"
            module Geo\Inner 2-2 namespace Geo\Inner
            class Shape 5-11 abstract class Shape extends Base implements Area | A shape.
            constant Shape::LIMIT 7-7 const LIMIT
            method Shape::__construct 8-8 public function __construct(private int $side)
            method Shape::twice 10-10 abstract public function twice(int $x): ?string | Twice.
            interface Area 12-12 interface Area
            method Area::area 12-12 public function area(): float
            trait Named 13-13 trait Named
            enum Kind 14-14 enum Kind: string
            function add 15-15 function add(int $a, int ...$b): int
        "#]],
    );
}

#[test]
fn bash_definitions() {
    check(
        Language::Bash,
        r##"#!/bin/bash
. ./lib.sh
export LIMIT=3
name="x"
name="y"
# Adds.
add() {
  local inner=1
}
function other { :; }
"##,
        expect![[r#"
            constant LIMIT 3-3 export LIMIT
            constant name 4-4 name
            function add 7-9 add() | Adds.
            function other 10-10 function other
        "#]],
    );
}

#[test]
fn lua_definitions() {
    check(
        Language::Lua,
        r##"
local M = {}
local limit = require("x")
-- Adds.
function M.add(a, b) return a + b end
function M:twice() end
local function helper(x) end
M.run = function(self) end
return { list = function() end }
"##,
        expect![[r#"
            constant M 2-2 local M
            constant limit 3-3 local limit
            function add 5-5 function M.add(a, b) | Adds.
            function twice 6-6 function M:twice()
            function helper 7-7 local function helper(x)
            function run 8-8 M.run = function(self)
            function list 9-9 list = function()
        "#]],
    );
}

#[test]
fn html_definitions() {
    check(
        Language::Html,
        r##"<!DOCTYPE html>
<html><head><title>The page</title></head>
<body>
<!-- The menu. -->
<nav id="menu" class="a"><h2>Links</h2><a href="#x">x</a></nav>
<form id="login"><input id="name"></form>
</body></html>
"##,
        expect![[r#"
            heading The page 2-2 The page
            element menu 5-5 <nav id="menu" class="a"> | The menu.
            heading menu::Links 5-5 Links
            element login 6-6 <form id="login">
            element login::name 6-6 <input id="name">
        "#]],
    );
}

#[test]
fn css_definitions() {
    check(
        Language::Css,
        r##"
@import "a.css";
/* The page. */
:root { --main-color: red; }
.menu > a:hover, #x { color: var(--main-color); }
@media (max-width: 10px) { .menu { display: none } }
@keyframes spin { from { top: 0 } }
"##,
        expect![[r#"
            selector :root 4-4 :root | The page.
            constant :root::--main-color 4-4 --main-color: red
            selector .menu > a:hover, #x 5-5 .menu > a:hover, #x
            selector .menu 6-6 .menu
            selector spin 7-7 @keyframes spin
        "#]],
    );
}

#[test]
fn json_definitions() {
    check(
        Language::Json,
        r##"{
  "name": "x",
  "scripts": { "build": "make", "deep": { "no": 1 } },
  "list": [{ "no": 2 }]
}
"##,
        expect![[r#"
            key name 2-2 "name"
            key scripts 3-3 "scripts"
            key scripts::build 3-3 "build"
            key scripts::deep 3-3 "deep"
            key list 4-4 "list"
        "#]],
    );
}

#[test]
fn toml_definitions() {
    check(
        Language::Toml,
        r##"
top = 1
# The package.
[package]
name = "x"
version.workspace = true

[[bin]]
path = "a"
[dependencies.serde]
version = "1"
"##,
        expect![[r#"
            key top 2-2 top
            key package 4-8 [package] | The package.
            key package::name 5-5 name
            key package::version.workspace 6-6 version.workspace
            key bin 8-10 [[bin]]
            key dependencies.serde 10-12 [dependencies.serde]
            key dependencies.serde::version 11-11 version
        "#]],
    );
}

#[test]
fn yaml_definitions() {
    check(
        Language::Yaml,
        r##"
# The jobs.
on: push
jobs:
  build:
    steps:
      - run: make
  "test": {}
list:
  - a: 1
---
second: 2
"##,
        expect![[r#"
            key on 3-3 on | The jobs.
            key jobs 4-8 jobs
            key jobs::build 5-7 build
            key jobs::"test" 8-8 "test"
            key list 9-10 list
            key second 12-12 second
        "#]],
    );
}

#[test]
fn markdown_definitions() {
    check(
        Language::Markdown,
        r##"---
title: x
---
# The title

Text with `code`.

## Part *one*

- list

### Deeper

```sh
# no heading
```

Two
---
"##,
        expect![[r#"
            heading The title 4-20 # The title
            heading The title::Part *one* 8-20 ## Part *one*
            heading The title::Part *one*::Deeper 12-20 ### Deeper
        "#]],
    );
}
