//! The graphics processor: device, pipelines and the passes of one picture.

use super::scene::{Scene, Vertex};
use super::studio::{DOME_LIGHTS, Studio, StudioUniform};
use super::{RenderError, RenderOptions, RgbaImage};

const COLOUR: wgpu::TextureFormat = wgpu::TextureFormat::Rgba8UnormSrgb;
const DEPTH: wgpu::TextureFormat = wgpu::TextureFormat::Depth32Float;
const KEY_SHADOW_PIXELS: u32 = 1024;
const DOME_SHADOW_PIXELS: u32 = 256;
/// Distance between projections in their buffer: the alignment that every device accepts.
const PROJECTION_STRIDE: u64 = 256;

/// Device, pipelines and targets for pictures of one size.
pub(super) struct Gpu {
    device: wgpu::Device,
    queue: wgpu::Queue,
    adapter: wgpu::AdapterInfo,
    depth_pipeline: wgpu::RenderPipeline,
    backdrop_pipeline: wgpu::RenderPipeline,
    head_pipeline: wgpu::RenderPipeline,
    projections: wgpu::Buffer,
    projection_group: wgpu::BindGroup,
    studio: wgpu::Buffer,
    studio_group: wgpu::BindGroup,
    /// The key light's depth map, then one of each dome light.
    shadow_views: Vec<wgpu::TextureView>,
    targets: Targets,
    read_back: wgpu::Buffer,
    bytes_per_row: u32,
    options: RenderOptions,
}

struct Targets {
    resolved: wgpu::Texture,
    resolved_view: wgpu::TextureView,
    multisampled: Option<wgpu::TextureView>,
    depth: wgpu::TextureView,
}

impl Gpu {
    pub(super) fn new(options: RenderOptions) -> Result<Self, RenderError> {
        let (device, queue, adapter) = pollster::block_on(open_device(&options))?;
        let shader = device.create_shader_module(wgpu::include_wgsl!("shader.wgsl"));
        let (key_map, key_view) = shadow_map(&device, KEY_SHADOW_PIXELS, 1);
        let (dome_map, dome_view) = shadow_map(&device, DOME_SHADOW_PIXELS, DOME_LIGHTS as u32);
        let layers = (0..DOME_LIGHTS as u32).map(|layer| layer_view(&dome_map, layer));
        let shadow_views = std::iter::once(layer_view(&key_map, 0)).chain(layers).collect();

        let uniform = wgpu::BufferUsages::UNIFORM | wgpu::BufferUsages::COPY_DST;
        let projections =
            buffer(&device, "projections", PROJECTION_STRIDE * (1 + DOME_LIGHTS as u64), uniform);
        let studio = buffer(&device, "studio", size_of::<StudioUniform>() as u64, uniform);
        let projection_layout = projection_layout(&device);
        let projection_group = projection_group(&device, &projection_layout, &projections);
        let studio_layout = studio_layout(&device);
        let studio_group = studio_group(&device, &studio_layout, &studio, &key_view, &dome_view);

        let samples = options.samples;
        let bytes_per_row = (options.width * 4).next_multiple_of(wgpu::COPY_BYTES_PER_ROW_ALIGNMENT);
        let read_usage = wgpu::BufferUsages::COPY_DST | wgpu::BufferUsages::MAP_READ;
        let read_size = u64::from(bytes_per_row) * u64::from(options.height);
        Ok(Self {
            depth_pipeline: depth_pipeline(&device, &shader, &projection_layout),
            backdrop_pipeline: colour_pipeline(&device, &shader, &studio_layout, samples, false),
            head_pipeline: colour_pipeline(&device, &shader, &studio_layout, samples, true),
            targets: Targets::new(&device, &options),
            read_back: buffer(&device, "read back", read_size, read_usage),
            device,
            queue,
            adapter,
            projections,
            projection_group,
            studio,
            studio_group,
            shadow_views,
            bytes_per_row,
            options,
        })
    }

    pub(super) fn adapter(&self) -> &wgpu::AdapterInfo {
        &self.adapter
    }

    pub(super) fn draw(&self, scene: &Scene, studio: &Studio) -> Result<RgbaImage, RenderError> {
        let vertices = self.upload(bytemuck::cast_slice(&scene.vertices), wgpu::BufferUsages::VERTEX);
        let indices = self.upload(bytemuck::cast_slice(&scene.indices), wgpu::BufferUsages::INDEX);
        self.queue.write_buffer(&self.studio, 0, bytemuck::bytes_of(&studio.uniform));
        for (slot, projection) in studio.shadow_projections.iter().enumerate() {
            let offset = slot as u64 * PROJECTION_STRIDE;
            self.queue.write_buffer(
                &self.projections,
                offset,
                bytemuck::bytes_of(&projection.to_cols_array()),
            );
        }
        let mut encoder = self.device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
        let count = scene.indices.len() as u32;
        for slot in 0..self.shadow_views.len() {
            self.shadow_pass(&mut encoder, slot, &vertices, &indices, count);
        }
        self.colour_pass(&mut encoder, &vertices, &indices, count);
        self.copy_out(&mut encoder);
        self.queue.submit([encoder.finish()]);
        self.read()
    }

    fn upload(&self, bytes: &[u8], usage: wgpu::BufferUsages) -> wgpu::Buffer {
        let size = (bytes.len() as u64).max(4);
        let buffer = buffer(&self.device, "geometry", size, usage | wgpu::BufferUsages::COPY_DST);
        self.queue.write_buffer(&buffer, 0, bytes);
        buffer
    }

    fn shadow_pass(
        &self,
        encoder: &mut wgpu::CommandEncoder,
        slot: usize,
        vertices: &wgpu::Buffer,
        indices: &wgpu::Buffer,
        count: u32,
    ) {
        let mut pass = encoder.begin_render_pass(&wgpu::RenderPassDescriptor {
            label: Some("shadow"),
            depth_stencil_attachment: Some(depth_attachment(&self.shadow_views[slot], wgpu::StoreOp::Store)),
            ..Default::default()
        });
        pass.set_pipeline(&self.depth_pipeline);
        pass.set_bind_group(0, &self.projection_group, &[slot as u32 * PROJECTION_STRIDE as u32]);
        pass.set_vertex_buffer(0, vertices.slice(..));
        pass.set_index_buffer(indices.slice(..), wgpu::IndexFormat::Uint32);
        pass.draw_indexed(0..count, 0, 0..1);
    }

    fn colour_pass(
        &self,
        encoder: &mut wgpu::CommandEncoder,
        vertices: &wgpu::Buffer,
        indices: &wgpu::Buffer,
        count: u32,
    ) {
        let (view, resolve_target) = match &self.targets.multisampled {
            Some(multisampled) => (multisampled, Some(&self.targets.resolved_view)),
            None => (&self.targets.resolved_view, None),
        };
        let mut pass = encoder.begin_render_pass(&wgpu::RenderPassDescriptor {
            label: Some("colour"),
            color_attachments: &[Some(wgpu::RenderPassColorAttachment {
                view,
                depth_slice: None,
                resolve_target,
                ops: wgpu::Operations {
                    load: wgpu::LoadOp::Clear(wgpu::Color::BLACK),
                    store: wgpu::StoreOp::Store,
                },
            })],
            depth_stencil_attachment: Some(depth_attachment(&self.targets.depth, wgpu::StoreOp::Discard)),
            ..Default::default()
        });
        pass.set_bind_group(0, &self.studio_group, &[]);
        pass.set_pipeline(&self.backdrop_pipeline);
        pass.draw(0..3, 0..1);
        pass.set_pipeline(&self.head_pipeline);
        pass.set_vertex_buffer(0, vertices.slice(..));
        pass.set_index_buffer(indices.slice(..), wgpu::IndexFormat::Uint32);
        pass.draw_indexed(0..count, 0, 0..1);
    }

    fn copy_out(&self, encoder: &mut wgpu::CommandEncoder) {
        let layout = wgpu::TexelCopyBufferLayout {
            offset: 0,
            bytes_per_row: Some(self.bytes_per_row),
            rows_per_image: Some(self.options.height),
        };
        let size = wgpu::Extent3d {
            width: self.options.width,
            height: self.options.height,
            depth_or_array_layers: 1,
        };
        let to = wgpu::TexelCopyBufferInfo { buffer: &self.read_back, layout };
        encoder.copy_texture_to_buffer(self.targets.resolved.as_image_copy(), to, size);
    }

    fn read(&self) -> Result<RgbaImage, RenderError> {
        let failed = |why: String| RenderError::Device(why);
        let (sender, receiver) = std::sync::mpsc::channel();
        self.read_back.map_async(wgpu::MapMode::Read, .., move |result| {
            // The receiver waits below; when it is gone nobody wants the answer.
            let _ = sender.send(result);
        });
        self.device.poll(wgpu::PollType::wait_indefinitely()).map_err(|error| failed(error.to_string()))?;
        let mapped = receiver.recv().map_err(|error| failed(error.to_string()))?;
        mapped.map_err(|error| failed(error.to_string()))?;
        let view = self.read_back.get_mapped_range(..).map_err(|error| failed(error.to_string()))?;
        let row_bytes = self.options.width as usize * 4;
        let mut pixels = Vec::with_capacity(self.options.width as usize * self.options.height as usize);
        for row in view.chunks(self.bytes_per_row as usize) {
            pixels.extend(row[..row_bytes].as_chunks::<4>().0);
        }
        drop(view);
        self.read_back.unmap();
        Ok(RgbaImage { width: self.options.width, height: self.options.height, pixels })
    }
}

impl Targets {
    fn new(device: &wgpu::Device, options: &RenderOptions) -> Self {
        let texture = |format, samples, usage| {
            device.create_texture(&wgpu::TextureDescriptor {
                label: Some("picture"),
                size: wgpu::Extent3d {
                    width: options.width,
                    height: options.height,
                    depth_or_array_layers: 1,
                },
                mip_level_count: 1,
                sample_count: samples,
                dimension: wgpu::TextureDimension::D2,
                format,
                usage,
                view_formats: &[],
            })
        };
        let attachment = wgpu::TextureUsages::RENDER_ATTACHMENT;
        let view = |texture: &wgpu::Texture| texture.create_view(&wgpu::TextureViewDescriptor::default());
        let resolved = texture(COLOUR, 1, attachment | wgpu::TextureUsages::COPY_SRC);
        let many = options.samples > 1;
        Self {
            resolved_view: view(&resolved),
            multisampled: many.then(|| view(&texture(COLOUR, options.samples, attachment))),
            depth: view(&texture(DEPTH, options.samples, attachment)),
            resolved,
        }
    }
}

/// The interfaces that can draw: the shaders read depth, which OpenGL's language cannot.
pub(super) const BACKENDS: wgpu::Backends =
    wgpu::Backends::VULKAN.union(wgpu::Backends::METAL).union(wgpu::Backends::DX12);

pub(super) fn instance() -> wgpu::Instance {
    let descriptor = wgpu::InstanceDescriptor::new_without_display_handle();
    wgpu::Instance::new(wgpu::InstanceDescriptor { backends: BACKENDS, ..descriptor })
}

/// The fastest adapter, or the software one where nothing else is or it is asked for.
pub(super) async fn find_adapter(software: bool) -> Result<wgpu::Adapter, RenderError> {
    let instance = instance();
    let request = |force_fallback_adapter| wgpu::RequestAdapterOptions {
        power_preference: wgpu::PowerPreference::HighPerformance,
        force_fallback_adapter,
        ..Default::default()
    };
    let mut found = instance.request_adapter(&request(software)).await;
    if found.is_err() && !software {
        found = instance.request_adapter(&request(true)).await;
    }
    found.map_err(|error| RenderError::NoAdapter(error.to_string()))
}

async fn open_device(
    options: &RenderOptions,
) -> Result<(wgpu::Device, wgpu::Queue, wgpu::AdapterInfo), RenderError> {
    let adapter = find_adapter(options.software).await?;
    let descriptor =
        wgpu::DeviceDescriptor { required_limits: wgpu::Limits::downlevel_defaults(), ..Default::default() };
    let opened = adapter.request_device(&descriptor).await;
    let (device, queue) = opened.map_err(|error| RenderError::Device(error.to_string()))?;
    Ok((device, queue, adapter.get_info()))
}

fn buffer(device: &wgpu::Device, label: &str, size: u64, usage: wgpu::BufferUsages) -> wgpu::Buffer {
    device.create_buffer(&wgpu::BufferDescriptor {
        label: Some(label),
        size,
        usage,
        mapped_at_creation: false,
    })
}

fn shadow_map(device: &wgpu::Device, pixels: u32, layers: u32) -> (wgpu::Texture, wgpu::TextureView) {
    let texture = device.create_texture(&wgpu::TextureDescriptor {
        label: Some("shadow map"),
        size: wgpu::Extent3d { width: pixels, height: pixels, depth_or_array_layers: layers },
        mip_level_count: 1,
        sample_count: 1,
        dimension: wgpu::TextureDimension::D2,
        format: DEPTH,
        usage: wgpu::TextureUsages::RENDER_ATTACHMENT | wgpu::TextureUsages::TEXTURE_BINDING,
        view_formats: &[],
    });
    let dimension =
        if layers > 1 { wgpu::TextureViewDimension::D2Array } else { wgpu::TextureViewDimension::D2 };
    let view = texture
        .create_view(&wgpu::TextureViewDescriptor { dimension: Some(dimension), ..Default::default() });
    (texture, view)
}

fn layer_view(texture: &wgpu::Texture, layer: u32) -> wgpu::TextureView {
    texture.create_view(&wgpu::TextureViewDescriptor {
        dimension: Some(wgpu::TextureViewDimension::D2),
        base_array_layer: layer,
        array_layer_count: Some(1),
        ..Default::default()
    })
}

fn depth_attachment(
    view: &wgpu::TextureView,
    store: wgpu::StoreOp,
) -> wgpu::RenderPassDepthStencilAttachment<'_> {
    wgpu::RenderPassDepthStencilAttachment {
        view,
        depth_ops: Some(wgpu::Operations { load: wgpu::LoadOp::Clear(1.0), store }),
        stencil_ops: None,
    }
}

fn layout_entry(
    binding: u32,
    visibility: wgpu::ShaderStages,
    ty: wgpu::BindingType,
) -> wgpu::BindGroupLayoutEntry {
    wgpu::BindGroupLayoutEntry { binding, visibility, ty, count: None }
}

fn uniform_type(has_dynamic_offset: bool) -> wgpu::BindingType {
    wgpu::BindingType::Buffer {
        ty: wgpu::BufferBindingType::Uniform,
        has_dynamic_offset,
        min_binding_size: None,
    }
}

fn depth_type(view_dimension: wgpu::TextureViewDimension) -> wgpu::BindingType {
    wgpu::BindingType::Texture {
        sample_type: wgpu::TextureSampleType::Depth,
        view_dimension,
        multisampled: false,
    }
}

fn projection_layout(device: &wgpu::Device) -> wgpu::BindGroupLayout {
    device.create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor {
        label: Some("projection"),
        entries: &[layout_entry(0, wgpu::ShaderStages::VERTEX, uniform_type(true))],
    })
}

fn projection_group(
    device: &wgpu::Device,
    layout: &wgpu::BindGroupLayout,
    projections: &wgpu::Buffer,
) -> wgpu::BindGroup {
    let one = wgpu::BufferBinding { buffer: projections, offset: 0, size: wgpu::BufferSize::new(64) };
    device.create_bind_group(&wgpu::BindGroupDescriptor {
        label: Some("projection"),
        layout,
        entries: &[wgpu::BindGroupEntry { binding: 0, resource: wgpu::BindingResource::Buffer(one) }],
    })
}

fn studio_layout(device: &wgpu::Device) -> wgpu::BindGroupLayout {
    let comparison = wgpu::BindingType::Sampler(wgpu::SamplerBindingType::Comparison);
    let (vertex, fragment) = (wgpu::ShaderStages::VERTEX, wgpu::ShaderStages::FRAGMENT);
    device.create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor {
        label: Some("studio"),
        entries: &[
            layout_entry(0, vertex | fragment, uniform_type(false)),
            layout_entry(1, fragment, depth_type(wgpu::TextureViewDimension::D2)),
            layout_entry(2, fragment, comparison),
            layout_entry(3, vertex, depth_type(wgpu::TextureViewDimension::D2Array)),
        ],
    })
}

fn studio_group(
    device: &wgpu::Device,
    layout: &wgpu::BindGroupLayout,
    studio: &wgpu::Buffer,
    key_view: &wgpu::TextureView,
    dome_view: &wgpu::TextureView,
) -> wgpu::BindGroup {
    let sampler = device.create_sampler(&wgpu::SamplerDescriptor {
        mag_filter: wgpu::FilterMode::Linear,
        min_filter: wgpu::FilterMode::Linear,
        compare: Some(wgpu::CompareFunction::LessEqual),
        ..Default::default()
    });
    let entry = |binding, resource| wgpu::BindGroupEntry { binding, resource };
    device.create_bind_group(&wgpu::BindGroupDescriptor {
        label: Some("studio"),
        layout,
        entries: &[
            entry(0, studio.as_entire_binding()),
            entry(1, wgpu::BindingResource::TextureView(key_view)),
            entry(2, wgpu::BindingResource::Sampler(&sampler)),
            entry(3, wgpu::BindingResource::TextureView(dome_view)),
        ],
    })
}

fn vertex_layout(attributes: &[wgpu::VertexAttribute]) -> wgpu::VertexBufferLayout<'_> {
    wgpu::VertexBufferLayout {
        array_stride: size_of::<Vertex>() as u64,
        step_mode: wgpu::VertexStepMode::Vertex,
        attributes,
    }
}

fn depth_state(bias: wgpu::DepthBiasState) -> wgpu::DepthStencilState {
    wgpu::DepthStencilState {
        format: DEPTH,
        depth_write_enabled: Some(true),
        depth_compare: Some(wgpu::CompareFunction::LessEqual),
        stencil: wgpu::StencilState::default(),
        bias,
    }
}

fn pipeline_layout(device: &wgpu::Device, group: &wgpu::BindGroupLayout) -> wgpu::PipelineLayout {
    device.create_pipeline_layout(&wgpu::PipelineLayoutDescriptor {
        label: None,
        bind_group_layouts: &[Some(group)],
        immediate_size: 0,
    })
}

fn depth_pipeline(
    device: &wgpu::Device,
    shader: &wgpu::ShaderModule,
    group: &wgpu::BindGroupLayout,
) -> wgpu::RenderPipeline {
    let attributes = wgpu::vertex_attr_array![0 => Float32x3];
    device.create_render_pipeline(&wgpu::RenderPipelineDescriptor {
        label: Some("depth"),
        layout: Some(&pipeline_layout(device, group)),
        vertex: wgpu::VertexState {
            module: shader,
            entry_point: Some("depth_vertex"),
            compilation_options: wgpu::PipelineCompilationOptions::default(),
            buffers: &[Some(vertex_layout(&attributes))],
        },
        primitive: wgpu::PrimitiveState::default(),
        depth_stencil: Some(depth_state(wgpu::DepthBiasState { constant: 2, slope_scale: 1.5, clamp: 0.0 })),
        multisample: wgpu::MultisampleState::default(),
        fragment: None,
        multiview_mask: None,
        cache: None,
    })
}

fn colour_pipeline(
    device: &wgpu::Device,
    shader: &wgpu::ShaderModule,
    group: &wgpu::BindGroupLayout,
    samples: u32,
    head: bool,
) -> wgpu::RenderPipeline {
    let attributes = wgpu::vertex_attr_array![0 => Float32x3, 1 => Float32x3, 2 => Float32x3, 3 => Float32x3];
    let head_buffers = [Some(vertex_layout(&attributes))];
    let (vertex_entry, fragment_entry) =
        if head { ("vertex", "fragment") } else { ("backdrop_vertex", "backdrop") };
    device.create_render_pipeline(&wgpu::RenderPipelineDescriptor {
        label: Some(fragment_entry),
        layout: Some(&pipeline_layout(device, group)),
        vertex: wgpu::VertexState {
            module: shader,
            entry_point: Some(vertex_entry),
            compilation_options: wgpu::PipelineCompilationOptions::default(),
            buffers: if head { &head_buffers } else { &[] },
        },
        primitive: wgpu::PrimitiveState::default(),
        depth_stencil: Some(depth_state(wgpu::DepthBiasState::default())),
        multisample: wgpu::MultisampleState { count: samples, ..Default::default() },
        fragment: Some(wgpu::FragmentState {
            module: shader,
            entry_point: Some(fragment_entry),
            compilation_options: wgpu::PipelineCompilationOptions::default(),
            targets: &[Some(COLOUR.into())],
        }),
        multiview_mask: None,
        cache: None,
    })
}
