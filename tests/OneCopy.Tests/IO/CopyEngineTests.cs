using Xunit;

namespace OneCopy.Tests.IO;

/// <summary>Every engine copies every shape of file, and keeps its holes.</summary>
public sealed class CopyEngineTests : IDisposable
{
    private readonly CopyFolder _folder = new();

    public static TheoryData<CopyEngine> Engines => [CopyEngine.Auto, CopyEngine.CopyRange, CopyEngine.Mapped, CopyEngine.Vectored, CopyEngine.ReadWrite];

    public void Dispose() => _folder.Dispose();

    [Theory]
    [MemberData(nameof(Engines))]
    public void Contents_are_equal(CopyEngine engine)
    {
        int page = Environment.SystemPageSize;
        foreach (int length in new[] { 0, 1, page - 1, page, page + 1, (1 << 20) - 1, 1 << 20, (1 << 20) + 1, 3_000_001 })
        {
            byte[] content = _folder.Write("source", length);
            FileCopyResult result = FileCopier.Copy(_folder["source"], _folder["copy"], new FileCopyOptions { Engine = engine });
            Assert.Equal(content, File.ReadAllBytes(_folder["copy"]));
            Assert.Equal((length, length, 0), (result.Length, result.BytesCopied, result.HoleBytes));
            Assert.Equal(SourceChange.None, result.SourceChange);
            if (engine != CopyEngine.Auto && length > 0)
                Assert.Equal([engine], result.Engines);
        }
    }
}
