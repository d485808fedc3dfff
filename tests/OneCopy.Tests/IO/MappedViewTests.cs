using System.Buffers;
using Xunit;

namespace OneCopy.Tests.IO;

/// <summary>Opening, mapping, reading and writing at any offset.</summary>
public sealed class MappedViewTests : IDisposable
{
    private static readonly int s_page = Environment.SystemPageSize;
    private readonly TestFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_view_of_the_whole_file_shows_it()
    {
        using MappedFile file = MappedFile.Open(_folder.Pattern(3 * s_page + 5));
        using MappedView view = file.Map();
        Assert.Equal((3 * s_page + 5, 0L), (view.Length, view.FileOffset));
        Assert.Equal(TestFolder.At(2 * s_page + 1), view.GetReadOnlySpan(0, (int)view.Length)[2 * s_page + 1]);
        Assert.True(view.IsGuarded);
        Assert.False(view.IsDamaged);
        Assert.Throws<NotSupportedException>(() => view.GetMemory(0, 1));
    }

    [Theory]
    [InlineData(0, 10)]
    [InlineData(1, 1)]
    [InlineData(4095, 2)]
    [InlineData(4096, 4096)]
    [InlineData(5000, 7000)]
    [InlineData(12000, 0)]
    public void Any_offset_and_length(int offset, int length)
    {
        using MappedFile file = MappedFile.Open(_folder.Pattern(12_000), MapAccess.ReadWrite);
        using MappedView view = file.Map(offset, length);
        byte[] expected = File.ReadAllBytes(file.Name)[offset..(offset + length)];
        Assert.Equal(expected, view.GetSpan(0, length).ToArray());
        Assert.Equal(expected, view.GetMemory(0, length).ToArray());
        Assert.Equal(expected, view.AsSequence().ToArray());
        byte[] safe = new byte[length];
        view.ReadSafely(0, safe);
        Assert.Equal(expected, safe);
        view.CopyTo(0, safe.AsSpan());
        Assert.Equal(expected, safe);

        byte[] other = [.. expected.Select(b => (byte)~b)];
        view.WriteSafely(0, other);
        Assert.Equal(other, File.ReadAllBytes(file.Name)[offset..(offset + length)]);
        view.CopyFrom(0, expected);
        view.Flush();
        Assert.Equal(expected, File.ReadAllBytes(file.Name)[offset..(offset + length)]);
        Assert.Throws<ArgumentOutOfRangeException>(() => view.Read<byte>(length));
        Assert.Throws<ArgumentOutOfRangeException>(() => view.Write(-1, 1L));
    }

    [Fact]
    public void Values_of_any_type_at_any_offset()
    {
        using MappedFile file = MappedFile.Create(_folder.File(), 100);
        using MappedView view = file.Map(3, 90);
        view.Write(1, 0x0102030405060708);
        view.Write(74, (1.5, 7));
        Assert.Equal(0x0102030405060708, view.Read<long>(1));
        Assert.Equal((1.5, 7), view.Read<(double, int)>(74));
        Assert.Equal(BitConverter.GetBytes(0x0102030405060708), File.ReadAllBytes(file.Name)[4..12]);
    }

    [Fact]
    public void Beyond_the_end_is_refused_unless_growth_is_asked_for()
    {
        using MappedFile file = MappedFile.Open(_folder.Pattern(100), MapAccess.ReadWrite);
        Assert.Throws<ArgumentOutOfRangeException>(() => file.Map(50, 51));
        Assert.Throws<ArgumentOutOfRangeException>(() => file.Map(101, 0));
        using MappedView view = file.Map(50, 51, new MapOptions { Grow = true });
        Assert.Equal(101, file.Length);
        Assert.Equal(TestFolder.At(99), view.Read<byte>(49));
        Assert.Equal(0, view.Read<byte>(50));
    }

    [Fact]
    public void A_private_view_does_not_change_the_file()
    {
        using MappedFile file = MappedFile.Open(_folder.Pattern(100));
        using MappedView view = file.Map(0, 100, new MapOptions { Sharing = MapSharing.Private, Access = MapAccess.ReadWrite });
        view.Write(5, 0);
        view.Flush();
        Assert.Equal(0, view.Read<int>(5));
        Assert.Equal(TestFolder.At(5), File.ReadAllBytes(file.Name)[5]);
        Assert.Throws<ArgumentException>(() => file.Map(0, 100, new MapOptions { Access = MapAccess.ReadWrite }));
    }

    [Fact]
    public void A_disposed_view_says_so()
    {
        using MappedFile file = MappedFile.Open(_folder.Pattern(100), MapAccess.ReadWrite);
        MappedView view = file.Map();
        Memory<byte> memory = view.GetMemory(0, 100);
        ReadOnlySequence<byte> sequence = view.AsSequence();
        MemoryHandle pin = memory.Pin();
        MappedSpan pinned = view.Pin(0, 100);
        view.Dispose();
        Assert.True(view.IsDisposed);
        Assert.Equal(TestFolder.At(99), pinned.Span[99]); // Still mapped.
        pinned.Dispose();
        pin.Dispose();
        Assert.Throws<ObjectDisposedException>(() => memory.Span[0]);
        Assert.Throws<ObjectDisposedException>(() => sequence.ToArray());
        Assert.Throws<ObjectDisposedException>(() => view.Read<byte>(0));
        Assert.Throws<ObjectDisposedException>(() => view.ReadSafely(0, new byte[1]));
        Assert.Throws<ObjectDisposedException>(() => view.Flush());
        Assert.Throws<ObjectDisposedException>(() => view.GetSpan(0, 1).Length);
        Assert.Throws<ObjectDisposedException>(() => view.Pin(0, 1).Span.Length);
        view.Dispose();
    }
}
