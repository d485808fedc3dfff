using Xunit;

namespace OneCopy.Tests.Repository;

/// <summary>The public surface of each package is a text file in the repository: a change of it is seen in the commit that makes it.</summary>
public sealed class PublicSurfaceTests
{
    [Theory]
    [InlineData(typeof(MessageQueue), "src/OneCopy/PublicApi.txt")]
    public void The_public_surface_is_the_one_written_down(Type inPackage, string file)
    {
        string path = RepositoryFiles.PathOf(file);
        string now = PublicSurface.Of(inPackage.Assembly);
        string written = File.Exists(path) ? File.ReadAllText(path) : "";
        if (string.Equals(now, written, StringComparison.Ordinal))
            return;
        File.WriteAllText(path, now);
        Assert.Fail($"The public surface is not the one in {file}. The file now says what it is: look at its difference, and commit it if it is meant.");
    }
}
