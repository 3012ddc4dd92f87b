// Bundles the extension and writes the .vsix: a zip of it with the two files that name its parts. The usual tool for it brings a
// publisher's client with some two hundred packages; the format itself is this page.
//
//   node scripts/package.mjs [FILE]     default: claw-VERSION.vsix
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { crc32, deflateRawSync } from "node:zlib";
import { bundle, root } from "./build.mjs";

const manifest = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
const target = process.argv[2] ?? join(root, `claw-${manifest.version}.vsix`);

const escaped = (text) => text.replace(/[&<>"]/g, (sign) => `&#${sign.charCodeAt(0)};`);

const description = `<?xml version="1.0" encoding="utf-8"?>
<PackageManifest Version="2.0.0" xmlns="http://schemas.microsoft.com/developer/vsx-schema/2011">
  <Metadata>
    <Identity Language="en-US" Id="${manifest.name}" Version="${manifest.version}" Publisher="${manifest.publisher}"/>
    <DisplayName>${escaped(manifest.displayName)}</DisplayName>
    <Description xml:space="preserve">${escaped(manifest.description)}</Description>
    <Tags>${escaped(manifest.keywords.join(","))}</Tags>
    <Categories>${escaped(manifest.categories.join(","))}</Categories>
    <License>extension/LICENSE.txt</License>
    <Properties>
      <Property Id="Microsoft.VisualStudio.Code.Engine" Value="${escaped(manifest.engines.vscode)}"/>
      <Property Id="Microsoft.VisualStudio.Code.ExtensionKind" Value="workspace"/>
    </Properties>
  </Metadata>
  <Installation><InstallationTarget Id="Microsoft.VisualStudio.Code"/></Installation>
  <Dependencies/>
  <Assets>
    <Asset Type="Microsoft.VisualStudio.Code.Manifest" Path="extension/package.json" Addressable="true"/>
    <Asset Type="Microsoft.VisualStudio.Services.Content.Details" Path="extension/README.md" Addressable="true"/>
    <Asset Type="Microsoft.VisualStudio.Services.Content.License" Path="extension/LICENSE.txt" Addressable="true"/>
  </Assets>
</PackageManifest>
`;

const types = `<?xml version="1.0" encoding="utf-8"?>
<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="json" ContentType="application/json"/><Default Extension="js" ContentType="application/javascript"/><Default Extension="md" ContentType="text/markdown"/><Default Extension="txt" ContentType="text/plain"/><Default Extension="vsixmanifest" ContentType="text/xml"/></Types>
`;

const read = (path) => readFileSync(join(root, path));
const files = [
  ["extension.vsixmanifest", Buffer.from(description)],
  ["[Content_Types].xml", Buffer.from(types)],
  ["extension/package.json", read("package.json")],
  ["extension/README.md", read("README.md")],
  ["extension/LICENSE.txt", read("../../LICENSE")],
  ["extension/ThirdPartyNotices.txt", Buffer.from(notices().join(`\n${"-".repeat(80)}\n\n`))],
  ["extension/dist/extension.js", await bundle()],
];

/** The licences of the packages that are in the bundle, as their authors ask. */
function notices() {
  const lock = JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8"));
  const bundled = Object.entries(lock.packages).filter(([path, { dev }]) => path !== "" && !dev);
  return bundled.map(([path, { version }]) => {
    const file = readdirSync(join(root, path)).find((name) => /^licen[sc]e/i.test(name));
    if (!file) {
      throw new Error(`${path} has no licence file`);
    }
    return `${path.replace(/.*node_modules\//, "")} ${version}\n\n${readFileSync(join(root, path, file), "utf8").trim()}\n`;
  });
}

/** A zip with deflated entries. All times are its format's first day, so that the same sources give the same bytes. */
function zip(entries) {
  const bodies = [];
  const directory = [];
  let offset = 0;
  for (const [name, content] of entries) {
    const path = Buffer.from(name);
    const data = deflateRawSync(content, { level: 9 });
    // What both headers hold: versions, flag 11 (names in UTF-8), method 8, time, date, checksum, sizes, name's length.
    const common = Buffer.alloc(26);
    common.writeUInt16LE(20, 0);
    common.writeUInt16LE(0x0800, 2);
    common.writeUInt16LE(8, 4);
    common.writeUInt16LE(0, 6);
    common.writeUInt16LE(0x21, 8);
    common.writeUInt32LE(crc32(content), 10);
    common.writeUInt32LE(data.length, 14);
    common.writeUInt32LE(content.length, 18);
    common.writeUInt16LE(path.length, 22);
    bodies.push(Buffer.from("PK\x03\x04", "latin1"), common, path, data);
    const rest = Buffer.alloc(14);
    rest.writeUInt32LE(offset, 10);
    directory.push(Buffer.from("PK\x01\x02\x14\x00", "latin1"), common, rest, path);
    offset += 4 + common.length + path.length + data.length;
  }
  const index = Buffer.concat(directory);
  const end = Buffer.alloc(22);
  end.write("PK\x05\x06", 0, "latin1");
  end.writeUInt16LE(entries.length, 8);
  end.writeUInt16LE(entries.length, 10);
  end.writeUInt32LE(index.length, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...bodies, index, end]);
}

const packed = zip(files);
writeFileSync(target, packed);
console.log(`${target} (${files.length} files, ${Math.ceil(packed.length / 1024)} KiB)`);
