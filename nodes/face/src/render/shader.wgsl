// Draws a posed head in a small studio: key, fill and rim light and a dome of soft light.
// Light that scatters under skin is approximated by letting the lit side wrap around the terminator, red furthest.

const DOME: u32 = 24u;
const PI: f32 = 3.14159265;

struct Studio {
    view_projection: mat4x4f,
    key_projection: mat4x4f,
    camera: vec4f,
    // Towards the light; w is the length of the shadow bias in metres.
    key_direction: vec4f,
    fill_direction: vec4f,
    rim_direction: vec4f,
    key_colour: vec4f,
    fill_colour: vec4f,
    rim_colour: vec4f,
    // Width over height of the picture, then unused.
    picture: vec4f,
    dome_projections: array<mat4x4f, DOME>,
    dome_directions: array<vec4f, DOME>,
    dome_colours: array<vec4f, DOME>,
}

@group(0) @binding(0) var<uniform> studio: Studio;
@group(0) @binding(1) var key_depth: texture_depth_2d;
@group(0) @binding(2) var nearer: sampler_comparison;
@group(0) @binding(3) var dome_depth: texture_depth_2d_array;

struct VertexIn {
    @location(0) position: vec3f,
    @location(1) normal: vec3f,
    @location(2) colour: vec3f,
    @location(3) surface: vec3f,
}

struct VertexOut {
    @builtin(position) clip: vec4f,
    @location(0) position: vec3f,
    @location(1) normal: vec3f,
    @location(2) colour: vec3f,
    @location(3) surface: vec3f,
    @location(4) ambient: vec3f,
    @location(5) openness: f32,
}

// Share of a dome light that reaches a point, blended over the four nearest depth texels.
fn dome_visibility(point: vec3f, layer: u32) -> f32 {
    let clip = studio.dome_projections[layer] * vec4f(point, 1.0);
    let size = vec2f(textureDimensions(dome_depth));
    let at = (clip.xy * vec2f(0.5, -0.5) + 0.5) * size - 0.5;
    let corner = floor(at);
    let blend = at - corner;
    var seen = 0.0;
    for (var k = 0u; k < 4u; k++) {
        let step = vec2f(f32(k & 1u), f32(k >> 1u));
        let weight = mix(1.0 - blend, blend, step);
        let texel = clamp(vec2i(corner + step), vec2i(0), vec2i(size) - 1);
        let depth = textureLoad(dome_depth, texel, layer, 0);
        seen += weight.x * weight.y * select(0.0, 1.0, clip.z <= depth);
    }
    return seen;
}

@vertex
fn vertex(in: VertexIn) -> VertexOut {
    var out: VertexOut;
    out.clip = studio.view_projection * vec4f(in.position, 1.0);
    out.position = in.position;
    out.normal = in.normal;
    out.colour = in.colour;
    out.surface = in.surface;
    let bias = studio.key_direction.w;
    let lifted = in.position + in.normal * bias;
    let wrap = 0.25 * in.surface.z;
    var all = vec3f(0.0);
    var seen = vec3f(0.0);
    for (var i = 0u; i < DOME; i++) {
        let towards = studio.dome_directions[i].xyz;
        let facing = max((dot(in.normal, towards) + wrap) / (1.0 + wrap), 0.0);
        let light = studio.dome_colours[i].rgb * facing;
        all += light;
        seen += light * dome_visibility(lifted + towards * bias, i);
    }
    // A little light gets through flesh, so that no crease or mouth is quite black.
    let openness = max(seen / max(all, vec3f(1e-5)), vec3f(0.13 * in.surface.z));
    // Light that bounces between walls of the same colour fills creases with that colour.
    out.ambient = all * pow(openness, 1.0 - 0.55 * in.colour);
    out.openness = openness.g;
    return out;
}

fn key_visibility(point: vec3f, normal: vec3f) -> f32 {
    let bias = studio.key_direction.w;
    let clip = studio.key_projection * vec4f(point + normal * bias + studio.key_direction.xyz * bias, 1.0);
    let centre = clip.xy * vec2f(0.5, -0.5) + 0.5;
    let texel = 1.6 / vec2f(textureDimensions(key_depth));
    var seen = 0.0;
    for (var y = -2; y <= 2; y++) {
        for (var x = -2; x <= 2; x++) {
            seen += textureSampleCompareLevel(key_depth, nearer, centre + vec2f(f32(x), f32(y)) * texel, clip.z);
        }
    }
    return seen / 25.0;
}

// Diffuse light of one lamp; skin wraps red light further round than blue.
fn diffuse(normal: vec3f, towards: vec3f, scatter: f32) -> vec3f {
    let wrap = scatter * vec3f(0.38, 0.16, 0.10) + 0.02;
    let facing = (vec3f(dot(normal, towards)) + wrap) / (1.0 + wrap);
    let lit = max(facing, vec3f(0.0));
    return mix(lit, lit * lit * (1.6 - 0.6 * lit), 0.35 * scatter);
}

// GGX highlight of one lamp (Walter et al. 2007) with Schlick's Fresnel term.
fn highlight(normal: vec3f, eye: vec3f, towards: vec3f, roughness: f32, reflectance: vec3f) -> vec3f {
    let half_way = normalize(eye + towards);
    let n_l = max(dot(normal, towards), 0.0);
    let n_v = max(dot(normal, eye), 1e-3);
    let n_h = max(dot(normal, half_way), 0.0);
    let alpha = roughness * roughness;
    let a2 = alpha * alpha;
    let spread = n_h * n_h * (a2 - 1.0) + 1.0;
    let distribution = a2 / (PI * spread * spread + 1e-6);
    let k = alpha * 0.5;
    let masking = 0.25 / ((n_l * (1.0 - k) + k) * (n_v * (1.0 - k) + k) + 1e-4);
    let fresnel = reflectance + (1.0 - reflectance) * pow(1.0 - max(dot(eye, half_way), 0.0), 5.0);
    return distribution * masking * fresnel * n_l;
}

// The rectangular lamp mirrored in a wet surface, seen as a soft-edged window.
fn lamp_mirror(mirrored: vec3f, towards: vec3f) -> f32 {
    let right = normalize(cross(vec3f(0.0, 1.0, 0.0), towards));
    let up = cross(towards, right);
    let ahead = dot(mirrored, towards);
    let at = abs(vec2f(dot(mirrored, right), dot(mirrored, up))) / max(ahead, 1e-3);
    let edge = smoothstep(vec2f(0.30, 0.36), vec2f(0.20, 0.26), at);
    return select(0.0, edge.x * edge.y, ahead > 0.0);
}

// Filmic curve fitted to the ACES reference rendering (Narkowicz 2015).
fn filmic(x: vec3f) -> vec3f {
    return clamp(x * (2.51 * x + 0.03) / (x * (2.43 * x + 0.59) + 0.14), vec3f(0.0), vec3f(1.0));
}

@fragment
fn fragment(in: VertexOut, @builtin(front_facing) front: bool) -> @location(0) vec4f {
    let eye = normalize(studio.camera.xyz - in.position);
    let normal = normalize(select(-in.normal, in.normal, front));
    let roughness = in.surface.x;
    let metallic = in.surface.y;
    let scatter = in.surface.z;
    let key = studio.key_direction.xyz;
    let key_seen = key_visibility(in.position, normal);
    let key_soft = mix(vec3f(key_seen), pow(vec3f(key_seen), vec3f(0.72, 1.0, 1.1)), scatter);
    let fill = studio.fill_direction.xyz;
    let rim = studio.rim_direction.xyz;

    var light = in.ambient;
    light += studio.key_colour.rgb * key_soft * diffuse(normal, key, scatter);
    light += studio.fill_colour.rgb * in.openness * diffuse(normal, fill, scatter);
    light += studio.rim_colour.rgb * in.openness * diffuse(normal, rim, scatter) * 0.6;
    var colour = in.colour * light * (1.0 - metallic);

    let reflectance = mix(vec3f(0.032), in.colour, metallic);
    var gloss = studio.key_colour.rgb * key_seen * highlight(normal, eye, key, roughness, reflectance);
    gloss += studio.fill_colour.rgb * in.openness * highlight(normal, eye, fill, roughness, reflectance);
    gloss += studio.rim_colour.rgb * in.openness * highlight(normal, eye, rim, roughness, reflectance);
    let grazing = pow(1.0 - max(dot(normal, eye), 0.0), 5.0);
    gloss += in.ambient * in.openness * (reflectance + 0.25 * grazing) * (1.0 - 0.7 * roughness) * 0.5;
    if roughness < 0.2 {
        gloss += vec3f(0.9) * lamp_mirror(reflect(-eye, normal), key) * in.openness;
    }
    return vec4f(filmic(0.5 * (colour + gloss)), 1.0);
}

struct BackdropOut {
    @builtin(position) clip: vec4f,
    @location(0) at: vec2f,
}

// One triangle that covers the picture.
@vertex
fn backdrop_vertex(@builtin(vertex_index) index: u32) -> BackdropOut {
    let at = vec2f(f32((index << 1u) & 2u), f32(index & 2u)) * 2.0 - 1.0;
    return BackdropOut(vec4f(at, 1.0, 1.0), at);
}

@fragment
fn backdrop(in: BackdropOut) -> @location(0) vec4f {
    let at = (in.at - vec2f(0.0, 0.1)) * vec2f(studio.picture.x, 1.0);
    let glow = exp(-0.75 * dot(at, at));
    let colour = mix(vec3f(0.062, 0.070, 0.085), vec3f(0.34, 0.355, 0.38), glow);
    return vec4f(filmic(0.6 * colour), 1.0);
}

@group(0) @binding(0) var<uniform> depth_projection: mat4x4f;

@vertex
fn depth_vertex(@location(0) position: vec3f) -> @builtin(position) vec4f {
    return depth_projection * vec4f(position, 1.0);
}
