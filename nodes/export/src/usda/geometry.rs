//! Materials, meshes and blend shapes.

use super::text::{identifier, identifiers, numbers, quoted, vectors};
use esarm_values::{Material, Mesh, Rig};
use std::fmt::Write as _;

/// Writes each material as a preview surface.
pub(super) fn write_materials(out: &mut String, root: &str, materials: &[Material]) {
    let names = material_names(materials);
    out.push_str("    def Scope \"Materials\"\n    {\n");
    for (name, material) in names.iter().zip(materials) {
        let [red, green, blue, opacity] = material.base_color;
        let _ = write!(
            out,
            "        def Material \"{name}\"\n        {{\n            \
             token outputs:surface.connect = </{root}/Materials/{name}/Surface.outputs:surface>\n\n            \
             def Shader \"Surface\"\n            {{\n                uniform token info:id = \"UsdPreviewSurface\"\n                \
             color3f inputs:diffuseColor = ({red}, {green}, {blue})\n                float inputs:metallic = {}\n                \
             float inputs:opacity = {opacity}\n                float inputs:roughness = {}\n                \
             token outputs:surface\n            }}\n        }}\n\n",
            material.metallic, material.roughness
        );
    }
    out.push_str("    }\n\n");
}

fn material_names(materials: &[Material]) -> Vec<String> {
    identifiers(materials.iter().map(|material| material.name.as_str()))
}

/// Writes every mesh that has triangles.
pub(super) fn write_meshes(out: &mut String, root: &str, rig: &Rig) {
    let materials = material_names(&rig.materials);
    // Names that the root already uses come first, so that meshes are numbered around them.
    let reserved = ["Skel", "Anim", "Materials"];
    let names = identifiers(reserved.into_iter().chain(rig.meshes.iter().map(|mesh| mesh.name.as_str())));
    for (mesh, name) in rig.meshes.iter().zip(&names[reserved.len()..]) {
        if mesh.primitives.iter().any(|primitive| !primitive.triangles.is_empty()) {
            let writer = MeshWriter { root, name, mesh, materials: &materials };
            let is_double_sided =
                mesh.primitives.iter().any(|p| rig.materials.get(p.material).is_some_and(|m| m.double_sided));
            writer.write(out, is_double_sided);
        }
    }
}

struct MeshWriter<'a> {
    root: &'a str,
    name: &'a str,
    mesh: &'a Mesh,
    materials: &'a [String],
}

impl MeshWriter<'_> {
    fn write(&self, out: &mut String, double_sided: bool) {
        let mesh = self.mesh;
        let binding = if mesh.primitives.len() == 1 { ", \"MaterialBindingAPI\"" } else { "" };
        let _ = write!(
            out,
            "    def Mesh \"{}\" (\n        prepend apiSchemas = [\"SkelBindingAPI\"{binding}]\n    )\n    {{\n        \
             uniform bool doubleSided = {}\n        float3[] extent = ",
            self.name,
            u8::from(double_sided)
        );
        let (low, high) = crate::glb::bounds(&mesh.positions);
        vectors(out, &[low, high]);
        let triangles = mesh.primitives.iter().flat_map(|primitive| &primitive.triangles);
        let corners: Vec<u32> = triangles.flatten().copied().collect();
        out.push_str("\n        int[] faceVertexCounts = ");
        numbers(out, &vec![3_u8; corners.len() / 3]);
        out.push_str("\n        int[] faceVertexIndices = ");
        numbers(out, &corners);
        out.push_str("\n        normal3f[] normals = ");
        vectors(out, &mesh.normals);
        out.push_str(" (\n            interpolation = \"vertex\"\n        )\n        point3f[] points = ");
        vectors(out, &mesh.positions);
        out.push_str(
            "\n        matrix4d primvars:skel:geomBindTransform = ((1, 0, 0, 0), (0, 1, 0, 0), (0, 0, 1, 0), (0, 0, 0, 1))\n        \
             int[] primvars:skel:jointIndices = [0] (\n            elementSize = 1\n            interpolation = \"constant\"\n        )\n        \
             float[] primvars:skel:jointWeights = [1] (\n            elementSize = 1\n            interpolation = \"constant\"\n        )\n        \
             uniform token subdivisionScheme = \"none\"\n",
        );
        let _ = writeln!(out, "        rel skel:skeleton = </{}/Skel>", self.root);
        self.write_blend_shapes(out);
        self.write_materials(out);
        out.push_str("    }\n\n");
    }

    /// Writes the targets that move something; one that does not would read as moving every point.
    fn write_blend_shapes(&self, out: &mut String) {
        let morphs: Vec<_> = self.mesh.morphs.iter().filter(|morph| !morph.indices.is_empty()).collect();
        if morphs.is_empty() {
            return;
        }
        let prims = identifiers(morphs.iter().map(|morph| morph.name.as_str()));
        let tokens: Vec<String> = morphs.iter().map(|morph| quoted(&morph.name)).collect();
        let paths: Vec<String> =
            prims.iter().map(|prim| format!("</{}/{}/{prim}>", self.root, self.name)).collect();
        let _ = write!(
            out,
            "        uniform token[] skel:blendShapes = [{}]\n        rel skel:blendShapeTargets = [{}]\n",
            tokens.join(", "),
            paths.join(", ")
        );
        for (morph, prim) in morphs.iter().zip(&prims) {
            let _ = write!(out, "\n        def BlendShape \"{prim}\"\n        {{\n");
            if !morph.normal_offsets.is_empty() {
                out.push_str("            uniform vector3f[] normalOffsets = ");
                vectors(out, &morph.normal_offsets);
                out.push('\n');
            }
            out.push_str("            uniform vector3f[] offsets = ");
            vectors(out, &morph.position_offsets);
            out.push_str("\n            uniform int[] pointIndices = ");
            numbers(out, &morph.indices);
            out.push_str("\n        }\n");
        }
    }

    /// Binds the only material to the mesh, or each to its faces.
    fn write_materials(&self, out: &mut String) {
        let path = |material: usize| {
            let name = self.materials.get(material).cloned().unwrap_or_else(|| identifier(""));
            format!("rel material:binding = </{}/Materials/{name}>", self.root)
        };
        if let [primitive] = self.mesh.primitives.as_slice() {
            let _ = writeln!(out, "        {}", path(primitive.material));
            return;
        }
        out.push_str("        uniform token subsetFamily:materialBind:familyType = \"partition\"\n");
        let mut first = 0;
        for (index, primitive) in self.mesh.primitives.iter().enumerate() {
            let faces: Vec<usize> = (first..first + primitive.triangles.len()).collect();
            first += faces.len();
            let _ = write!(
                out,
                "\n        def GeomSubset \"subset_{index}\" (\n            \
                 prepend apiSchemas = [\"MaterialBindingAPI\"]\n        )\n        {{\n            \
                 uniform token elementType = \"face\"\n            uniform token familyName = \"materialBind\"\n            \
                 int[] indices = "
            );
            numbers(out, &faces);
            let _ = write!(out, "\n            {}\n        }}\n", path(primitive.material));
        }
    }
}
