using System.Diagnostics;
using Xunit;

namespace OneCopy.Tests.Repository;

/// <summary>What the README shows is what is compiled, and does what it says.</summary>
public sealed class ReadmeTests : IDisposable
{
    private readonly Messaging.TestRoot _root = new();

    public void Dispose() => _root.Dispose();

    [Theory]
    [InlineData("samples/FirstMessages/Producer.cs")]
    [InlineData("samples/FirstMessages/Consumer.cs")]
    [InlineData("samples/RecordFiles/Records.cs")]
    public void What_the_README_shows_is_the_sample(string file)
    {
        string readme = File.ReadAllText(RepositoryFiles.PathOf("README.md"));
        string source = File.ReadAllText(RepositoryFiles.PathOf(file));

        // The class alone: usings and namespace are said once in the README.
        string shown = source[source.IndexOf("public static class", StringComparison.Ordinal)..].TrimEnd();
        Assert.Contains(shown, readme, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_first_program_runs()
    {
        string sample = Path.Combine(AppContext.BaseDirectory, "FirstMessages.dll");
        string image = Path.Combine(AppContext.BaseDirectory, "OneCopy.Tests.dll");
        using ChildProcess consumer = ChildProcess.StartProgram("env", $"ONECOPY_ROOT={_root.Path}", DotnetHost.Path, sample, "consume", "first");
        using ChildProcess producer = ChildProcess.StartProgram("env", $"ONECOPY_ROOT={_root.Path}", DotnetHost.Path, sample, "produce", "first", image);
        Assert.Equal($"40 bytes by the Inline lane from process {producer.Pid}", await consumer.ReadLineAsync());
        Assert.Equal($"{new FileInfo(image).Length} bytes by the Attached lane from process {producer.Pid}", await consumer.ReadLineAsync());
        producer.Finish();
    }

    [Fact]
    public async Task The_program_with_pipes_runs()
    {
        string sample = Path.Combine(AppContext.BaseDirectory, "Pipelines.dll");
        using ChildProcess reader = ChildProcess.StartProgram("env", $"ONECOPY_ROOT={_root.Path}", DotnetHost.Path, sample, "read", "lines");
        using ChildProcess writer = ChildProcess.StartProgram("env", $"ONECOPY_ROOT={_root.Path}", DotnetHost.Path, sample, "write", "lines", "20000");
        Assert.Equal("(20000, 99995000)", await reader.ReadLineAsync());
        writer.Finish();
        reader.Finish();
    }

    [Fact]
    public async Task The_program_with_files_runs()
    {
        string folder = Directory.CreateTempSubdirectory("onecopy-test-").FullName;
        try
        {
            string file = Path.Combine(folder, "records");
            using ChildProcess sample = ChildProcess.StartProgram(DotnetHost.Path, Path.Combine(AppContext.BaseDirectory, "RecordFiles.dll"), file);
            Assert.Equal("(1000, 499500)", await sample.ReadLineAsync());
            Assert.StartsWith("507500 bytes by ", await sample.ReadLineAsync(), StringComparison.Ordinal);
            sample.Finish();
            Assert.Equal(await File.ReadAllBytesAsync(file, TestContext.Current.CancellationToken), await File.ReadAllBytesAsync(file + ".copy", TestContext.Current.CancellationToken));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }
}
